"""The kinds of identifiers that only a word before them tells: dates of birth, record numbers, addresses and so on.

A cue is followed by nothing but signs and words such as "number" or "is", then by the value; what only stands near a
cue ("cell count: 4000-11000") is none. A birth of many ("infants born on 1 May") is no person's. Not here: shapes that
speak for themselves (`privacy_kinds`), and names (`privacy_names`).
"""

import re

from pipelines.stages.privacy_kinds import Check, Kind, Shape, cue_words, is_number, is_phone, shape

_LINK = (
    r"(?:[ \t]*(?:\(?\b(?:no|number|num|nr|id|code|is|was|of|du|de la|del|do|da|est"
    r"|es|é)\b\)?|n[°º]|nº|#|№))*[ \t]*[.:#=|*：\u2013-]{0,4}[ \t*]*"
)
_MONTH_DATE = (
    r"\d{1,2}(?:st|nd|rd|th|er|º)?[ .-]+(?:de |of )?[^\W\d_]{3,12}\.?,?[ -]+(?:de |del |do )?\d{2,4}"
    r"|[^\W\d_]{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4}"
)
_DATE = rf"(?:\d{{1,4}}[ ]?[-/.][ ]?\d{{1,2}}[ ]?[-/.][ ]?\d{{2,4}}|{_MONTH_DATE}|\d{{4}}年\d{{1,2}}月\d{{1,2}}日)"
_BORN = (
    r"(?:dob|d\.o\.b\.?|date of birth|birth ?date|born(?: on)?(?: the)?|date de naissance|ddn"
    r"|née?(?:\(e\))? le|nacid[oa](?:\(a\))? (?:el|en)|fecha de nacimiento|f\. ?nac\.?"
    r"|nascid[oa](?:\(a\))? (?:em|a|no dia)|data de nascimento|geboren am|geburtsdatum|geb\.|nato "
    r"il|nata il|data di nascita|tarehe ya kuzaliwa|amezaliwa|alizaliwa|ranar haihuwa"
    r"|tanggal lahir|doğum tarihi|ngày sinh|дата рождения"
    r"|تاريخ الميلاد|تاريخ الولادة|जन्म ?तिथि|जन्म तारीख|出生日期|生年月日)"
)
_MANY = re.compile(
    r"(?i)\b(?:children|infants|babies|cohorts?|those|people|persons|participants|newborns|neonates|women"
    r"|men|adults|individuals|patients|boys|girls|subjects|all|enfants|niños|crianças)\W+(?:\w+\W+)?$"
)
_RECORD = (
    r"(?:mrn|m\.r\.n\.?|medical record|med\.? rec\.?|hospital (?:record|file|id|no|number)|hosp\.?(?= no)"
    r"|uhid|upi no|patient(?:'s|’s)? (?:id|identifier|number|no)|folder (?:no|number)|file (?:no|number)"
    r"|chart (?:no|number|#)|(?:ip|op|opd|ipd) (?:no|number)|registration (?:no|number) of the patient"
    r"|historia clínica|nhc|n[úu]mero de historia|prontuário|prontuario|dossier(?: patient| médical)?|ipp"
    r"|patientennummer|namba ya mgonjwa|lambar mara lafiya|رقم الملف|رقم المريض|病历号|住院号)"
)
_ACCOUNT = (
    r"(?:account|acct\.?|a/c|bank account|sort code|numéro de compte|compte(?: bancaire)?|cuenta(?: "
    r"bancaria)?|conta(?: bancária| corrente)?|kontonummer|رقم الحساب|policy|insurance (?:policy|id|no"
    r"|number)|member id)"
)
_PHONE = (
    r"(?:tel(?:ephone)?|tél(?:éphone)?|phone|mobile|mob|cell(?: ?phone|(?= ?(?:no|number|[:#])))|fax"
    r"|whats ?app|contact|call(?:ed)?|reach(?:ed|able)?|portable|teléfono|tfno|celular|móvil|telefone"
    r"|telemóvel|fone|telefon|handy"
    r"|simu|namba ya simu|lambar waya|waya|telepon|hp|điện thoại|тел"
    r"|телефон|هاتف|جوال|رقم الهاتف|फ़?ोन|फोन|मोबाइल|電話|电话|手机|전화)"
)
_PHONE_LINK = (
    r"(?:[ \t]*\b(?:no|number|num|nr|phone|line|is|at|on|us|me|him|her|au|al|em|home"
    r"|work)\b|[ \t]*n[°º]|\([a-z]\))*[ \t]*[.:#=|*：\u2013-]{0,4}[ \t*]*"
)
_PLATE = (
    r"(?:(?:licen[cs]e|number|car|vehicle) ?plates?|vehicle (?:reg(?:istration)?)|plate (?:no|number)"
    r"|plaque d.immatriculation|immatriculé[e]?|immatriculation|matrícula|placa(?: do carro| del "
    r"vehículo)?|kennzeichen|namba ya gari)"
)
_NETWORK = (
    r"(?:twitter|instagram|facebook|tiktok|telegram|snapchat|whats ?app|x handle|handle|user "
    r"?name|usuario|usuário|nom d.utilisateur|benutzername|screen name|login|skype)"
)
_STREET = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Close|Crescent|Way|Court|Ct|Place|Terrace|Boulevard"
    r"|Blvd|Square|Highway|Nagar|Marg|Colony|Sector|Estate|Layout|Quarters|Gardens|Park|Hill|Strasse"
    r"|Straße)"
)
_TAIL = r"(?:,? ?(?:[^\W\d_]\w+|\d[\w-]+)(?:[ '’-]\w+){0,3}(?=[,.;|\n]|\s|$)){0,4}?"
_HOUSE = (
    rf"(?:\d{{1,5}}[A-Za-z]?(?:[/-]\d+\w?)?,? (?:(?:bis|ter),? )?(?:(?:rue|avenue|boulevard|allée|place"
    rf"|chemin|impasse|quai|cours) (?:[\w'’.-]+ ?){{1,5}}|(?:[A-Z0-9][\w'’.-]* ){{1,4}}{_STREET}\b\.?)"
    r"|(?:[Cc]alle|[Cc]arrera|Cra\.?|[Aa]venida|Av\.|[Rr]ua|[Tt]ravessa|[Aa]lameda|[Jj]alan|Jl\.|[Vv]ia"
    r"|[Pp]lot|[Hh]ouse|[Ff]lat|Apt\.?|P\.? ?O\.? ?Box)(?: [\w'’.ºª#/-]+,?){0,5}? (?:n[º°o]\.? "
    r"?)?#?\d[\w-]*)"
    r"(?:, ?[A-Z0-9][^\n,;.|]{0,40}){0,3}"
)


def _has_digit(line: str, start: int, end: int) -> bool:
    return any(char.isdigit() for char in line[start:end])


def _is_record(line: str, start: int, end: int) -> bool:
    return sum(char.isdigit() for char in line[start:end]) >= 4


def _is_code(line: str, start: int, end: int) -> bool:
    return _has_digit(line, start, end) and any(char.isalpha() for char in line[start:end])


def _is_one_person(line: str, start: int, end: int) -> bool:
    """Say whether the date is of one birth: the cue stands directly before, so look at the words before the cue."""
    cue = re.search(rf"(?i){_BORN}\W*$", line[:start])
    return not (cue and _MANY.search(line, max(0, cue.start() - 60), cue.start()))


def _cued(cue: str, value: str, check: Check | None = None, link: str = _LINK) -> Shape:
    return shape(rf"(?<![^\W_])(?i:{cue}){link}(?P<v>{value})", check)


CUED_KINDS: tuple[Kind, ...] = (
    Kind(
        "birth_date",
        (_cued(_BORN, _DATE, _is_one_person),),
        0,
        cue_words(
            "dob, d.o.b, date of birth, birth date, birthdate, born, naissance, ddn, né le, née le, NÉ LE, NÉE "
            "LE, né(e), née(e), nacid*, nacimiento, f. nac, f.nac, nascid*, nascimento, geboren, geburtsdatum, "
            "geb., nato il, nata il, nascita, kuzaliwa, amezaliwa, alizaliwa, haihuwa, lahir, doğum, ngày sinh, "
            "рождения, Рождения, الميلاد, الولادة, जन्म, 出生日期, 生年月日"
        ),
    ),
    Kind(
        "mrn",
        (_cued(_RECORD, r"(?:[A-Z]{1,5}[-/ ]?)?\d[\dA-Z]*(?:[-/.]?[\dA-Z]+){0,4}(?![\w])", _is_record),),
        0,
        cue_words(
            "mrn, m.r.n, medical record, rec no, med rec, med. rec, hospital record, hospital file, hospital id, "
            "hospital no, hospital number, hosp no, hosp. no, uhid, upi no, patient id, patient identifier, "
            "patient number, patient no, patient's id, patient’s id, patient's number, patient’s number, "
            "registration number of the, patientennummer, folder no, folder number, file no, file number, chart "
            "no, chart number, chart #, ip no, op no, opd no, opd number, ipd no, ipd number, ip number, op "
            "number, historia clínica, nhc, numero de historia, número de historia, prontu*, dossier, ipp, namba "
            "ya mgonjwa, lambar mara, رقم, 病历号, 住院号"
        ),
    ),
    Kind(
        "passport",
        (
            _cued(
                r"(?:passport|passeport|pasaporte|passaporte|reisepass|pasipoti|جواز(?: السفر)?|паспорт|护照)",
                r"(?=(?:[A-Z -]*\d){5})[A-Z0-9]{1,3}[ -]?[A-Z0-9]{4,8}\b",
            ),
        ),
        0,
        cue_words("passport, passeport, pasaporte, passaporte, reisepass, pasipoti, جواز, паспорт, Паспорт, 护照"),
    ),
    Kind(
        "plate",
        (_cued(_PLATE, r"[A-Z0-9]{1,4}(?:[ -]?[A-Z0-9]{1,4}){1,3}(?!\w)", _is_code),),
        0,
        cue_words(
            "plate, plates, plate no, vehicle reg, vehicle registration, "
            "immatricul*, matrícula, placa, kennzeichen, namba ya gari"
        ),
    ),
    Kind(
        "account",
        (_cued(_ACCOUNT, r"[A-Z]{0,4}-?\d(?:[ -]?\d){5,17}(?!\w)", is_number), _cued("sort code", r"\d\d-\d\d-\d\d\b")),
        0,
        cue_words(
            "account, acct, a/c, sort code, compte, cuenta, conta, kontonummer, رقم الحساب, policy, "
            "insurance policy, insurance id, insurance no, insurance number, member id"
        ),
        least_digits=6,
    ),
    Kind(
        "phone",
        (_cued(_PHONE, r"\+?\(?\d(?:[ ().\-‑]{0,2}\d){6,14}(?![\w])(?![.,]\d)", is_phone, _PHONE_LINK),),
        0,
        cue_words(
            "tel, telephone, teléfono, tél, téléphone, telepon, TÉL, phone, cellphone, mobile, mob, cell, fax, "
            "whatsapp, whats app, contact, call, called, reach, reached, reachable, portable, celular, móvil, "
            "fone, telefone, telefon, handy, simu, waya, hp, thoại, тел, Тел, هاتف, جوال, फोन, ोन, मोबाइल, 電話, "
            "电话, 手机, 전화, tfno"
        ),
        is_personal=False,
        least_digits=7,
    ),
    Kind(
        "address",
        (
            _cued(
                (
                    r"(?<!email )(?<!e-mail )(?<!ip )(?<!mac )(?<!web )(?:address|adresse|domicile|dirección|domicilio"
                    r"|endereço|residence|anwani|adireshi|alamat|adresi|địa chỉ|адрес|العنوان|पता|住所|地址)"
                ),
                (
                    r"[^\n;|]{5,120}?(?=\s*(?:$|[;|\n]|\.\s|[,.]? ?\b(?i:tel|phone"
                    r"|mobile|dob|e-?mail|mrn|téléphone|teléfono|telefone)\b))"
                ),
                _has_digit,
                r"[ \t]*(?:is\b|[:：=|*])[ \t*:]*",
            ),
            _cued(
                (
                    r"(?:liv(?:es|ed|ing)|resid(?:es|ed|ing)|stay(?:s|ing)|domiciliée?|demeurant|habitant"
                    r"|habite|vive|reside|residente|mora|domiciliad[oa]|anaishi|wohnhaft|address)"
                ),
                _HOUSE,
                None,
                r"[ ]+(?:(?:at|in|on|au|à|en|na|no|a|em|la|el|kwa|the) )*",
            ),
        ),
        0,
        cue_words(
            "address, adresse, domicil*, direcci*, endereço, anwani, adireshi, alamat, adresi, địa chỉ, адрес, "
            "Адрес, العنوان, पता, 住所, 地址, lives, lived, living, reside*, stays, staying, demeurant, habitant, "
            "habite, vive, mora, anaishi, wohnhaft"
        ),
        is_personal=False,
    ),
    Kind(
        "handle",
        (
            _cued(
                _NETWORK,
                r"[A-Za-z][\w.-]*[\d_.-][\w.-]*\w|[A-Za-z]{5,20}\d+",
                None,
                r"(?: (?:account|handle|id|name))?(?: ?[:=] ?| is )",
            ),
            _cued(_NETWORK, r"@\w[\w.]{2,}", None, r"(?: (?:is|account|handle|as|id|user|name))*[ ]?[:=(]?[ ]?"),
        ),
        0,
        cue_words(
            "twitter, instagram, facebook, tiktok, telegram, snapchat, whatsapp, handle, username, user "
            "name, usuario, usuário, utilisateur, benutzername, screen name, login, skype"
        ),
        is_personal=False,
        has_digits=False,
    ),
)
