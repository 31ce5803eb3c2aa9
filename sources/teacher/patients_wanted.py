"""A YAML that asks for patients: a list of `{setting, patients, seed}`, checked before anybody is drawn."""

from collections import Counter
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from sources.parse.part import Unreadable

MAX_PATIENTS = 1_000_000


class PatientsWanted(BaseModel):
    """So many patients of one setting; an empty setting makes every condition of the base equally common."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    setting: str = ""
    patients: Annotated[int, Field(ge=1, le=MAX_PATIENTS)]
    seed: int = 0


def requests_of(body: bytes) -> list[PatientsWanted]:
    """Return what a YAML asks for, nobody twice. Raises Unreadable: `invalid_yaml`, `wrong_type`, `no_record`."""
    try:
        loaded = YAML(typ="safe").load(body.decode())
    except (UnicodeDecodeError, YAMLError) as error:
        raise Unreadable("invalid_yaml", type(error).__name__) from None
    try:
        wanted = TypeAdapter(list[PatientsWanted]).validate_python(loaded)
    except ValidationError as error:
        first = error.errors()[0]
        raise Unreadable("wrong_type", f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if not wanted:
        raise Unreadable("no_record", "asks for nobody")
    asked = Counter((one.setting, one.seed) for one in wanted)
    (setting, seed), most = asked.most_common(1)[0]
    if most > 1:
        raise Unreadable("wrong_type", f"asks twice for {setting or 'no setting'} with seed {seed}; give another seed")
    return wanted
