"""`apply --server-side`: the server merges, and remembers who manages which field.

An object that was applied by the client before has its fields under another manager; they are
*migrated* to the manager of server-side apply (client-go's csaupgrade), so that later applies can
remove them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from minik8s.apiserver.messages import APPLY_PATCH, JSON_PATCH
from minik8s.client import WriteOptions
from minik8s.errors import ApiError, Conflict, UnsupportedMediaType
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.selection import Target
from minik8s.model.metadata import LAST_APPLIED, Document, annotations_of

MANAGER = "kubectl"
_ANNOTATION_MANAGER = "kubectl-last-applied"

_REVIEW = """
Please review the fields above--they currently have other managers. Here
are the ways you can resolve this warning:
* If you intend to manage all of these fields, please re-run the apply
  command with the `--force-conflicts` flag.
* If you do not intend to manage all of the fields, please edit your
  manifest to remove references to the fields that should keep their
  current managers.
* You may co-own fields by updating your manifest to match the existing
  value; in this case, you'll become the manager if the other manager(s)
  stop managing the field (remove it from their configuration).
See https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts"""


@dataclass(frozen=True, slots=True)
class ServerSide:
    """Server-side apply with the options of one command."""

    call: Call
    options: WriteOptions
    subresource: str = ""

    def apply(self, target: Target) -> Document:
        """Send a manifest, migrate what the client applied before, and give the live object."""
        live = self.send(target)
        try:
            live = self._keep_annotation(target, live)
        except ApiError as error:
            self.call.err(
                "Warning: failed to save last-applied annotation to new field manager: "
                f"{error.message}"
            )
            return live
        try:
            migrated = self._migrated(target, live)
        except ApiError as error:
            self.call.err(
                "Warning: server rejected managed fields migration to Server-Side Apply. This is "
                f"non-fatal and will be retried next time you apply. Error: {error.message}"
            )
            return live
        return self.send(target) if migrated else live

    def send(self, target: Target) -> Document:
        """Send a manifest, and give the live object."""
        try:
            return self._patch(target, target.object, self.options, self.subresource)
        except UnsupportedMediaType as error:
            raise Failure(
                f"Server-side apply not available on the server: ({error.message})"
            ) from None
        except Conflict as error:
            raise Failure(error.message + _REVIEW) from None

    def _patch(
        self, target: Target, document: Document, options: WriteOptions, sub: str = ""
    ) -> Document:
        return self.call.client.patch(
            target.kind,
            target.name,
            document,
            target.namespace,
            options,
            patch_type=APPLY_PATCH,
            sub=sub,
        )

    def _keep_annotation(self, target: Target, live: Document) -> Document:
        """Give the last-applied annotation a manager of its own, so that it stays."""
        text = annotations_of(live).get(LAST_APPLIED)
        if self.options.field_manager != MANAGER or text is None or _owners(live, "Apply"):
            return live
        metadata: Document = {"annotations": {LAST_APPLIED: text}, "name": target.name}
        if target.namespace:
            metadata["namespace"] = target.namespace
        annotation = {
            "apiVersion": target.kind.api_version,
            "kind": target.kind.kind,
            "metadata": metadata,
        }
        options = replace(self.options, field_manager=_ANNOTATION_MANAGER, force=None)
        return self._patch(target, annotation, options)

    def _migrated(self, target: Target, live: Document) -> bool:
        """Move the fields of client-side apply to this manager; whether there were any."""
        names = {entry["manager"] for entry in _owners(live, "Update")}
        entries = _migrated_entries(live, names, self.options.field_manager)
        if entries is None:
            return False
        version = live["metadata"].get("resourceVersion", "")
        self.call.client.patch(
            target.kind,
            target.name,
            [
                {"op": "replace", "path": "/metadata/managedFields", "value": entries},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
            ],
            target.namespace,
            replace(self.options, force=None),
            patch_type=JSON_PATCH,
        )
        return True


def _entries(document: Document) -> list[Document]:
    return list((document.get("metadata") or {}).get("managedFields") or ())


def _owners(document: Document, operation: str) -> list[Document]:
    """The managers that have set the last-applied annotation by an operation."""
    found = []
    for entry in _entries(document):
        fields = entry.get("fieldsV1") or {}
        annotations = (fields.get("f:metadata") or {}).get("f:annotations") or {}
        if (
            entry.get("operation") == operation
            and not entry.get("subresource")
            and f"f:{LAST_APPLIED}" in annotations
        ):
            found.append(entry)
    return found


def _migrated_entries(document: Document, names: set[str], manager: str) -> list[Document] | None:
    """managedFields with the fields of some managers moved to one; None if nothing moves."""
    old = [
        entry
        for entry in _entries(document)
        if entry.get("operation") == "Update"
        and entry.get("manager") in names
        and not entry.get("subresource")
    ]
    if not old:
        return None
    kept = [entry for entry in _entries(document) if entry not in old]
    for place, entry in enumerate(kept):
        if (entry.get("manager"), entry.get("operation")) == (manager, "Apply"):
            fields = entry.get("fieldsV1") or {}
            for moved in old:
                fields = _union(fields, moved.get("fieldsV1") or {})
            kept[place] = {**entry, "fieldsV1": fields}
            return kept
    return [{**old[0], "manager": manager, "operation": "Apply"}, *kept]


def _union(left: Any, right: Any) -> Any:
    merged = dict(left)
    for key, value in right.items():
        merged[key] = _union(merged[key], value) if key in merged else value
    return merged
