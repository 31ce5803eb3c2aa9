"""Words by what a difference in them means between two near duplicates: English, French, Spanish, Portuguese.

`PLAIN` words carry grammar or are interchangeable in prose; only they may change within a sentence that is otherwise
the same. No list of drugs or diseases can be complete, so none is relied on there: any word not in `PLAIN` counts as
content. `PROTECTED` words (negation, unit, time, route, side, age, sex, species, strength, comparison) and words shaped
like drugs or diseases (stems of the WHO's INN list) count also where a whole sentence was written anew. `MARKERS` tell
lines about the page and not the patient. Not here: how they are used (`near_guard`).
"""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


NEGATION = _words("""
    no not never none nor neither without cannot cant can't dont don't doesnt doesn't didnt didn't isnt isn't arent
    aren't wasnt wasn't werent weren't wont won't shouldnt shouldn't mustnt mustn't couldnt couldn't wouldnt wouldn't
    neednt needn't hasnt hasn't havent haven't hadnt hadn't nothing nobody non except unless avoid avoided
    contraindicated contraindication withhold refuse absent absence exclude excluded excluding lack lacking rather ne
    pas jamais sans ni aucun aucune rien sauf hormis éviter contre indiqué contreindiqué absence nul nulle sin nunca
    jamás ningún ninguno ninguna tampoco nada salvo excepto evitar contraindicado contraindicada ausencia não sem nem
    nenhum nenhuma exceto senão evite evita ausência
""")
UNITS = _words("""
    mg g kg mcg µg μg ug ng pg l ml dl cl µl μl mmol mol µmol μmol umol nmol pmol meq iu ui mu miu unit units unité
    unités unidad unidades unidade mm cm m km mmhg kpa cmh2o bpm kcal cal kj hz mhz c f percent percentage pourcent
    cent ciento porcentaje bq mbq gy ci mci drop drops goutte gouttes gota gotas puff puffs tablet tablets comprimé
    comprimés comprimido comprimidos capsule capsules gélule gélules cápsula cápsulas ampoule ampoules ampolla ampola
    vial vials sachet sachets teaspoon teaspoons tablespoon ppm dose doses dosage dosis posologie posologia
""")
TIME = _words("""
    once twice thrice daily weekly monthly yearly hourly nightly od bd bid tid tds qid qds qd qod prn stat every each
    per second seconds minute minutes hour hours day days week weeks month months year years h hr hrs min mins sec
    fortnight morning evening night bedtime noon often frequently usually rarely seldom sometimes occasionally always
    immediately before after during until since while fois jour jours semaine semaines mois ans année années heure
    heures matin soir nuit quotidien quotidienne par chaque toutes tous avant après pendant jusqu depuis souvent
    rarement toujours parfois vez veces día días semana semanas mes meses año años hora horas minuto minutos diario
    diaria diarias diariamente semanal mensual mañana tarde noche cada antes después durante hasta siempre vezes dia
    dias mês meses ano anos diário diária diariamente manhã noite depois após até sempre
""")
ROUTES = _words("""
    oral orally po iv im sc id pr pv intravenous intravenously intramuscular intramuscularly subcutaneous
    subcutaneously rectal rectally topical topically inhaled inhalation nebulised nebulized sublingual buccal nasal
    intranasal intrathecal epidural intradermal intraosseous ophthalmic otic ocular vaginal vaginally transdermal
    enteral parenteral orale intraveineuse intraveineux intramusculaire sous cutanée cutané rectale voie inhalée
    topique sublinguale intravenosa intravenoso vía via subcutánea subcutáneo tópica inhalada sublingual endovenosa
    endovenoso retal subcutânea subcutâneo inalatória inalada tópico
""")
SIDES = _words("""
    left right bilateral bilaterally unilateral anterior posterior upper lower proximal distal medial lateral superior
    inferior dorsal ventral gauche droit droite izquierdo izquierda derecho derecha esquerdo esquerda direito direita
    ipsilateral contralateral inside outside internal external
""")
PEOPLE = _words("""
    neonate neonates neonatal newborn newborns infant infants child children childhood toddler toddlers adolescent
    adolescents teenager teenagers adult adults elderly older younger paediatric pediatric maternal pregnant pregnancy
    breastfeeding lactating lactation women woman men man male males female females boy boys girl girls preterm
    geriatric aged age mother mothers father fathers enfant enfants nourrisson nourrissons nouveau né nés adulte
    adultes adolescentes femme femmes homme hommes enceinte enceintes grossesse allaitante allaitantes âgé âgée âgés
    âgées âge fille filles garçon garçons mère mères niño niños niña niñas lactante lactantes recién nacido nacidos
    adulto adultos adolescente mujer mujeres hombre hombres embarazada embarazadas embarazo anciano ancianos mayores
    edad madre madres criança crianças lactente lactentes recém nascido nascidos mulher mulheres homem homens grávida
    grávidas gravidez gestante gestantes idoso idosos idosa idosas idade mãe mães
""")
SPECIES = _words("""
    human humans animal animals mouse mice murine rat rats rabbit rabbits dog dogs canine cat cats feline cattle
    bovine cow cows pig pigs porcine sheep ovine goat goats horse horses equine monkey monkeys primate primates bird
    birds avian chicken chickens poultry fish veterinary falciparum vivax ovale malariae knowlesi mansoni haematobium
    japonicum intercalatum aureus epidermidis pneumoniae pyogenes tuberculosis bovis leprae typhi paratyphi coli
    cholerae plasmodium schistosoma staphylococcus streptococcus mycobacterium salmonella shigella leishmania
    trypanosoma brucei cruzi gambiense rhodesiense donovani infantum loa volvulus bancrofti aedes anopheles culex
    aegypti albopictus souris lapin chien chiens chat chats bovin porc humain humains ratón ratones perro perros gato
    gatos humano humanos cão cães camundongo camundongos
""")
STRENGTH = _words("""
    and or if may might can could must should shall will would need needs recommend recommended recommends suggest
    suggested required optional more less greater fewer least most above below over under beyond within higher lower
    high low increase increases increased increasing decrease decreases decreased decreasing reduce reduces reduced
    raise raised rise fall from up down first second third fourth initial maximum minimum max min exceed exceeds only
    all any both either some half double triple quarter positive negative normal abnormal mild moderate severe acute
    chronic early late start starts started begin begins stop stops stopped continue discontinue initiate withdraw
    with together safe unsafe effective ineffective present hot cold wet dry alive dead same different better worse
    best worst prevent prevents cause causes causal sensitive resistant susceptible complete partial primary secondary
    open closed et ou si peut peuvent doit doivent devrait faut plus moins supérieur supérieure inférieur inférieure
    élevé élevée bas basse augmenter augmente diminuer diminue réduire réduit avec premier première deuxième seul
    seule seulement tout toute moitié double positif positive négatif négative normal normale léger modéré grave
    sévère aigu aiguë chronique précoce tardif arrêter commencer continuer recommandé recommandée entre de à u sí
    puede pueden debe deben debería más menos mayor menor superior inferior alto alta bajo baja aumentar aumenta
    disminuir disminuye reducir reduce con primero primera segundo segunda solo sólo todo toda mitad doble positivo
    positiva negativo negativa leve moderado grave severo agudo aguda crónico crónica suspender iniciar continuar pode
    podem deve devem deveria mais maior alto baixo diminuir reduzir com primeiro primeira só todo toda metade dobro
    duplo leve moderado agudo crônico suspender iniciar interromper
""") - _words("de à entre")
NUMBERS = _words("""
    zero one two three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty sixty
    hundred thousand million billion un deux trois quatre cinq six sept huit neuf dix douze vingt trente cent mille
    uno dos tres cuatro cinco seis siete ocho nueve diez doce veinte treinta cien mil dois duas três quatro sete oito
    nove dez doze vinte trinta
""") - _words("un")
PROTECTED = NEGATION | UNITS | TIME | ROUTES | SIDES | PEOPLE | SPECIES | STRENGTH | NUMBERS

_SHAPES = re.compile(
    r"^(?:cef\w{3,}|sulfa\w+|sulpha\w+|rifa\w+|arte(?:m|s)\w+|pred?nis\w+|dexa\w+|beta\w{6,})$"
    r"|\w(?:cill?ine?|cilina|m[yi]cine?|micina|flox\w+|c[yi]clin\w+|[oae]zol\w?|vir|mabe?|nib|pril|sartan\w?|olol|statin\w?"
    r"|dipin\w?|gliptin\w?|gliflozin\w?|gli[tn]azon\w?|parin\w?|cain\w?|azepam|azolam|oxetin\w?|pramin\w?|quin\w?|quina"
    r"|thiazid\w?|semid\w?|cortison\w?|solon\w?|onid\w|terol|phyllin\w?|profen\w?|fenac\w?|xicam|coxib|grel|xaban\w?"
    r"|penem\w?|bactam|antel|mectin\w?|mectina|fungin\w?|vudin\w?|citabin\w?|rubicin\w?|taxel|platin\w?|trexat\w?|osid\w"
    r"|triptan\w?|setron\w?|plase|barbital|zepin\w?|idine|amine|orphin\w?|amid\w|azid\w|oxin\w?|afil"
    r"|itis|[yn][tgds]ite|atite|osis|[ae]emia|emia|émie|oma|iasis|iase|pathy|pathie|patía|patia|plegia|algia|rrh?\w*ea)$"
)
_NAMED_DRUGS = _words("""
    aspirin aspirine aspirina paracetamol paracétamol acetaminophen morphine codeine tramadol heparin insulin insuline
    insulina warfarin warfarine warfarina digoxin digoxine digoxina atropine atropina adrenaline adrenalina
    epinephrine potassium magnesium calcium sodium zinc iron oxygen vaccine vaccines vaccin vaccins vacuna vacunas
    vacina vacinas metformin metformine metformina lithium phenytoin carbamazepine valproate ketamine propofol
    oxytocin misoprostol potasio magnesio calcio sodio hierro hidroxicloroquina cloroquina quinina malaria dengue
    cholera measles polio ebola hiv aids tb covid influenza typhoid rabies plague leprosy asthma diabetes cancer
    stroke
""")


def is_clinical(word: str) -> bool:
    """Say whether a line about the page would not hold this folded word."""
    return is_protected(word) and word not in STRENGTH and word not in NUMBERS


def is_protected(word: str) -> bool:
    """Say whether a folded word must be the same on both sides even where sentences differ wholly."""
    return word in PROTECTED or is_medical(word)


def is_medical(word: str) -> bool:
    """Say whether a folded word names or is shaped like a drug or a disease."""
    return word in _NAMED_DRUGS or (len(word) > 4 and _SHAPES.search(word) is not None)


PLAIN = _words("""
    a an the this that these those it its they them their he she his her we our you your who whom whose which what
    when where whereas as at by for in into of on onto to upon about is are was were be been being am has have had
    having do does did done also too very quite just however moreover furthermore additionally therefore thus hence
    consequently accordingly indeed namely then there here such like other another own nowadays currently now already
    still approximately nearly roughly around almost use used uses using utilise utilised utilize utilized give given
    gives giving administer administered provide provided provides providing receive received receiving show shows
    showed shown demonstrate demonstrated describe described describes report reported reports note noted notes
    observe observed find found see seen known considered called named make makes made take taken takes help helps
    helping obtain obtained get include includes included including contain contains ensure sure follow followed
    following carry carried out perform performed conducted conduct undertake undertaken want wish try important
    essential crucial key main several various many numerous study studies article paper review guideline guidelines
    guidance document text chapter section information people persons person individuals patient patients disease
    illness condition treatment therapy management physician doctor clinician provider area way manner method approach
    mostly generally commonly typically especially particularly mainly largely because due thanks regarding concerning
    among amongst toward towards whether though although but yet even well easily readily clearly carefully quickly
    please kindly le la les des du au aux ce cet cette ces il elle ils elles on nous vous leur leurs son sa ses qui
    que qu quoi où comme est sont était étaient être été ont avait avoir pour dans en sur ainsi aussi donc alors
    cependant toutefois également notamment très lors cela ceci patient patients malade malades personne personnes
    traitement thérapie maladie affection utiliser utilisé utilisée administrer administré administrée donner donné
    donnée de à un une afin environ permet permettre effectuer réaliser réalisé important importante essentiel
    essentielle car puisque chez el los las una unos unas del al se su sus lo es son era eran fue ser sido está están
    ha han este esta estos estas ese esa como para también además asimismo muy entonces así cuando donde paciente
    pacientes persona personas enfermedad tratamiento terapia usar usado utilizar utilizado administrar administrado
    administrarse recibir importante esencial pero porque debido y en que entre realizar realizado da do das uma umas
    ao aos às é são era foi sido tem têm estes esse essa também além muito quando onde pessoa pessoas doença
    tratamento administrar administrado administrada usado usada receber recebido importante essencial porque devido
    mas em pelo pela realizar realizado um uns
""")

MONTHS = _words("""
    january february march april may june july august september october november december jan feb mar apr jun jul aug
    sep sept oct nov dec janvier février mars avril mai juin juillet août septembre octobre novembre décembre enero
    febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre janeiro fevereiro março maio
    junho julho setembro outubro novembro dezembro
""")
MARKERS = _words("""
    accessed retrieved downloaded copyright © reserved updated modified reviewed printed revised published cookie
    cookies cite cited citation isbn issn doi website webpage url page pages consulté consultée téléchargé imprimé
    actualisé droits consultado descargado actualizado actualizada reservados impreso página acessado baixado
    atualizado atualizada impresso sitio site licensed licence license creativecommons
""")
BOILER = (
    MARKERS
    | MONTHS
    | _words("""
    rights privacy policy terms login share facebook twitter linkedin email mail print home menu search navigation
    contact subscribe newsletter commons creative attribution www http https org com who msf cdc nhs ministry health
    organization organisation department back top skip content next previous link links close accept sign register
    help faq sitemap accessibility careers press media follow us version edition contents table figure source sources
    reference references accueil rechercher partager imprimer accessibilité inicio buscar compartir imprimir contacto
    pesquisar compartilhar droits réservés derechos direitos mise jour última última atualização actualización
""")
)
