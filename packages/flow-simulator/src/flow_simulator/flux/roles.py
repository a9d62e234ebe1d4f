"""What differs between regions of one installation: the values that Flux substitutes into the kit."""

from enum import Enum


class Role(Enum):
    """A region is the primary one or one of the others."""

    PRIMARY = "primary"
    SECONDARY = "secondary"


_EVERYWHERE = {"HCLOUD_HR_SUSPEND": "false", "HUAWEI_HR_SUSPEND": "false"}
# The kit suspends Huawei's storage driver by default. bp-cnpg depends on it, and a suspended release never
# gets ready: with the default half of the graph would wait for ever.

SUBSTITUTIONS: dict[Role, dict[str, str]] = {
    Role.PRIMARY: {**_EVERYWHERE, "SECONDARY_HR_SUSPEND": "false", "SECONDARY_EDGE_SUSPEND": "true"},
    Role.SECONDARY: {**_EVERYWHERE, "SECONDARY_HR_SUSPEND": "true", "SECONDARY_EDGE_SUSPEND": "false"},
}
