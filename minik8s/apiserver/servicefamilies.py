"""IP families of Services: which a cluster can give, and what an update makes of them (KEP-563)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from minik8s.errors import Cause, Invalid
from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import SERVICE

_DUAL = ("PreferDualStack", "RequireDualStack")


def family_of(address: str) -> str:
    """The family of an address or a block: `IPv4` or `IPv6`."""
    return "IPv6" if ":" in address else "IPv4"


def check_families(service: Document, families: Sequence[str]) -> None:
    """Raise Invalid for a Service that asks for a family that the cluster does not have.

    A headless Service without selector may have any: its endpoints are somebody else's affair.
    """
    spec = service["spec"]
    headless = spec.get("clusterIP") == "None"
    if spec.get("type") == "ExternalName" or (headless and not spec.get("selector")):
        return
    causes = list(_complaints(spec, families))
    if causes:
        raise Invalid.object(SERVICE.kind, "", name_of(service), causes)


def _complaints(spec: Document, families: Sequence[str]) -> Iterator[Cause]:
    wanted = spec.get("ipFamilies") or ()
    given = [family_of(address) for address in spec.get("clusterIPs") or [spec.get("clusterIP")]
             if address and address != "None"]  # fmt: skip
    for index, family in enumerate(wanted):
        if family not in families and family not in given:
            text = f'Invalid value: "{family}": not configured on this cluster'
            yield Cause("FieldValueInvalid", text, f"spec.ipFamilies[{index}]")
    if spec.get("ipFamilyPolicy") == "RequireDualStack" and len(families) == 1:
        text = (
            'Invalid value: "RequireDualStack": '
            "this cluster is not configured for dual-stack services"
        )
        yield Cause("FieldValueInvalid", text, "spec.ipFamilyPolicy")


def trimmed_to_one_family(spec: Document, before: Document) -> None:
    """Let a Service that goes back to SingleStack keep its first family and address.

    Only where the update leaves both lists as they were (trimFieldsForDualStackDowngrade).
    """
    if spec.get("ipFamilyPolicy") != "SingleStack" or before.get("ipFamilyPolicy") not in _DUAL:
        return
    for field in ("ipFamilies", "clusterIPs"):
        if len(spec.get(field) or ()) > 1 and spec[field] == before.get(field):
            spec[field] = spec[field][:1]
