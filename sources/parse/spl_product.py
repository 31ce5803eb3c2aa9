"""The product data of a drug label as facts: what it is called, its form, its active ingredients and their strengths.

A structured product label says these in elements that show no text, and a label for an over-the-counter drug may say
them nowhere else. Numbers and units are the attributes as written, never converted or rounded; what a strength is
counted as (the salt or the base) is told, because "10 mg" of the one is not 10 mg of the other. Not here: packages,
colours and inactive ingredients, which the label's own text lists.
"""

from lxml import etree

from sources.parse.spl_narrative import plain

_INGREDIENTS = ("ingredient", "activeIngredient")
_SUBSTANCES = ("ingredientSubstance", "activeIngredientSubstance")
_AS_MOIETY = "ACTIM"
_AS_REFERENCE = "ACTIR"


def products(document: etree._Element) -> list[etree._Element]:
    """Return the elements that describe a product (also each part of a kit), in document order."""
    found = []
    for element in document.iter("manufacturedProduct", "manufacturedMedicine", "partProduct", "partMedicine"):
        described = [element.find(name) is not None for name in ("formCode", *_INGREDIENTS)]
        if any(described) and element.find("name") is not None:
            found.append(element)
    return found


def product_name(product: etree._Element) -> str:
    """Return the name with its suffix, on one line."""
    return plain(product.find("name"))


def generic_name(product: etree._Element) -> str:
    """Return the non-proprietary name, "" when none is given."""
    return plain(product.find("asEntityWithGeneric/genericMedicine/name"))


def product_lines(document: etree._Element) -> list[str]:
    """Return one line for each product, without repetition: name, form, route, active ingredients with strength."""
    lines = [_line(product) for product in products(document)]
    return list(dict.fromkeys(line for line in lines if line))


def _line(product: etree._Element) -> str:
    name, generic = product_name(product), generic_name(product)
    head = f"{name} ({generic})" if generic and generic.casefold() not in name.casefold() else name
    form = product.find("formCode")
    facts = [form.get("displayName") or "" if form is not None else "", *_routes(product)]
    strengths = [_ingredient(i) for name in _INGREDIENTS for i in product.findall(name) if _is_active(i)]
    body = ", ".join(fact for fact in facts if fact)
    line = f"{head}, {body}" if body else head
    return f"{line}: {'; '.join(strengths)}" if strengths else line


def _routes(product: etree._Element) -> list[str]:
    """Return the routes of administration, which stand beside the product or in it."""
    places = [place for place in (product, product.getparent()) if place is not None]
    codes = [code for place in places for code in place.findall("consumedIn//routeCode")]
    return list(dict.fromkeys(code.get("displayName") or "" for code in codes))


def _is_active(ingredient: etree._Element) -> bool:
    return ingredient.tag == "activeIngredient" or (ingredient.get("classCode") or "").startswith("ACTI")


def _ingredient(ingredient: etree._Element) -> str:
    substance = next((ingredient.find(name) for name in _SUBSTANCES if ingredient.find(name) is not None), None)
    name = plain(substance.find("name")) if substance is not None else ""
    strength = _strength(ingredient.find("quantity"))
    basis = _basis(ingredient, substance) if strength else ""
    counted = f" (as {basis})" if basis and basis.casefold() != name.casefold() else ""
    return f"{name} {strength}{counted}".strip()


def _basis(ingredient: etree._Element, substance: etree._Element | None) -> str:
    """Return the substance that the strength counts, where it is not the ingredient itself."""
    if substance is None:
        return ""
    if ingredient.get("classCode") == _AS_MOIETY:
        return " and ".join(plain(name) for name in substance.findall("activeMoiety/activeMoiety/name"))
    if ingredient.get("classCode") == _AS_REFERENCE:
        return plain(substance.find("asEquivalentSubstance/definingSubstance/name"))
    return ""


def _strength(quantity: etree._Element | None) -> str:
    """Return numerator and denominator as written; a denominator of one piece says nothing and is left out."""
    if quantity is None:
        return ""
    numerator, denominator = _amount(quantity.find("numerator")), _amount(quantity.find("denominator"))
    return f"{numerator} in {denominator}" if numerator and denominator not in ("", "1") else numerator


def _amount(element: etree._Element | None) -> str:
    if element is None:
        return ""
    value, unit = (element.get("value") or "").strip(), (element.get("unit") or "").strip()
    return f"{value} {unit}" if unit not in ("", "1") else value
