"""Make the schema files of minik8s/data from the API definitions of `kubernetes-validate`.

    python tests/tools/generate_schemas.py FOLDER_WITH_kubernetes_validate

Two files come out: `schemas.json`, the structure that decoding and patches need, small and quick
to load; and `schemas-openapi.json.gz`, the definitions with their descriptions. Both hold the
closure of the kinds named below and nothing else.

The definitions say "string" where Go has a named type, and error texts print Go's name. GO_NAMES
puts those names back, for the fields of the kinds that are served.
"""

# ruff: noqa: E501 - a table with one row a line
from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

VERSION = "v1.37.0"
SOURCE = f"kubernetes-json-schema/{VERSION}-local/_definitions.json"
TARGET = Path(__file__).parents[2] / "minik8s" / "data"
NOTICE = (
    f"Structure of the Kubernetes API {VERSION}, from the API definitions of kubernetes/kubernetes "
    "(Copyright The Kubernetes Authors, Apache License 2.0), as distributed in the package "
    "kubernetes-validate 1.37.0; made by tests/tools/generate_schemas.py."
)

GROUPS = {
    ("", "v1"): "io.k8s.api.core.v1",
    ("apps", "v1"): "io.k8s.api.apps.v1",
    ("authorization.k8s.io", "v1"): "io.k8s.api.authorization.v1",
    ("authentication.k8s.io", "v1"): "io.k8s.api.authentication.v1",
    ("autoscaling", "v1"): "io.k8s.api.autoscaling.v1",
    ("autoscaling", "v2"): "io.k8s.api.autoscaling.v2",
    ("batch", "v1"): "io.k8s.api.batch.v1",
    ("certificates.k8s.io", "v1"): "io.k8s.api.certificates.v1",
    ("coordination.k8s.io", "v1"): "io.k8s.api.coordination.v1",
    ("discovery.k8s.io", "v1"): "io.k8s.api.discovery.v1",
    ("events.k8s.io", "v1"): "io.k8s.api.events.v1",
    ("networking.k8s.io", "v1"): "io.k8s.api.networking.v1",
    ("node.k8s.io", "v1"): "io.k8s.api.node.v1",
    ("policy", "v1"): "io.k8s.api.policy.v1",
    ("rbac.authorization.k8s.io", "v1"): "io.k8s.api.rbac.v1",
    ("scheduling.k8s.io", "v1"): "io.k8s.api.scheduling.v1",
    ("storage.k8s.io", "v1"): "io.k8s.api.storage.v1",
    (
        "apiextensions.k8s.io",
        "v1",
    ): "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1",
    ("apiregistration.k8s.io", "v1"): "io.k8s.kube-aggregator.pkg.apis.apiregistration.v1",
}
META = "io.k8s.apimachinery.pkg.apis.meta.v1"

KINDS = {
    ("", "v1"): "Binding ConfigMap Endpoints Event LimitRange Namespace Node PersistentVolume "
    "PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota Secret Service "
    "ServiceAccount",
    ("apps", "v1"): "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    ("authorization.k8s.io", "v1"): "LocalSubjectAccessReview SelfSubjectAccessReview "
    "SelfSubjectRulesReview SubjectAccessReview",
    ("authentication.k8s.io", "v1"): "SelfSubjectReview TokenRequest TokenReview",
    ("autoscaling", "v1"): "HorizontalPodAutoscaler Scale",
    ("autoscaling", "v2"): "HorizontalPodAutoscaler",
    ("batch", "v1"): "CronJob Job",
    ("certificates.k8s.io", "v1"): "CertificateSigningRequest",
    ("coordination.k8s.io", "v1"): "Lease",
    ("discovery.k8s.io", "v1"): "EndpointSlice",
    ("events.k8s.io", "v1"): "Event",
    ("networking.k8s.io", "v1"): "Ingress IngressClass NetworkPolicy",
    ("node.k8s.io", "v1"): "RuntimeClass",
    ("policy", "v1"): "Eviction PodDisruptionBudget",
    ("rbac.authorization.k8s.io", "v1"): "ClusterRole ClusterRoleBinding Role RoleBinding",
    ("scheduling.k8s.io", "v1"): "PriorityClass",
    ("storage.k8s.io", "v1"): "CSIDriver CSINode CSIStorageCapacity StorageClass VolumeAttachment",
    ("apiextensions.k8s.io", "v1"): "CustomResourceDefinition",
    ("apiregistration.k8s.io", "v1"): "APIService",
}
META_TYPES = ("DeleteOptions", "ListMeta", "Status")

GO_NAMES = {
    "apps.v1.DaemonSetCondition.status": "v1.ConditionStatus",
    "apps.v1.DaemonSetCondition.type": "v1.DaemonSetConditionType",
    "apps.v1.DaemonSetUpdateStrategy.type": "v1.DaemonSetUpdateStrategyType",
    "apps.v1.DeploymentCondition.status": "v1.ConditionStatus",
    "apps.v1.DeploymentCondition.type": "v1.DeploymentConditionType",
    "apps.v1.DeploymentStrategy.type": "v1.DeploymentStrategyType",
    "apps.v1.ReplicaSetCondition.status": "v1.ConditionStatus",
    "apps.v1.ReplicaSetCondition.type": "v1.ReplicaSetConditionType",
    "apps.v1.StatefulSetCondition.status": "v1.ConditionStatus",
    "apps.v1.StatefulSetCondition.type": "v1.StatefulSetConditionType",
    "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy.whenDeleted": "v1.PersistentVolumeClaimRetentionPolicyType",
    "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy.whenScaled": "v1.PersistentVolumeClaimRetentionPolicyType",
    "apps.v1.StatefulSetSpec.podManagementPolicy": "v1.PodManagementPolicyType",
    "apps.v1.StatefulSetUpdateStrategy.type": "v1.StatefulSetUpdateStrategyType",
    "batch.v1.CronJobSpec.concurrencyPolicy": "v1.ConcurrencyPolicy",
    "batch.v1.JobCondition.status": "v1.ConditionStatus",
    "batch.v1.JobCondition.type": "v1.JobConditionType",
    "batch.v1.JobSpec.completionMode": "v1.CompletionMode",
    "batch.v1.JobSpec.podReplacementPolicy": "v1.PodReplacementPolicy",
    "batch.v1.PodFailurePolicyOnExitCodesRequirement.operator": "v1.PodFailurePolicyOnExitCodesOperator",
    "batch.v1.PodFailurePolicyOnPodConditionsPattern.status": "v1.ConditionStatus",
    "batch.v1.PodFailurePolicyOnPodConditionsPattern.type": "v1.PodConditionType",
    "batch.v1.PodFailurePolicyRule.action": "v1.PodFailurePolicyAction",
    "coordination.v1.LeaseSpec.strategy": "v1.CoordinatedLeaseStrategy",
    "core.v1.AppArmorProfile.type": "v1.AppArmorProfileType",
    "core.v1.AzureDiskVolumeSource.cachingMode": "v1.AzureDataDiskCachingMode",
    "core.v1.AzureDiskVolumeSource.kind": "v1.AzureDataDiskKind",
    "core.v1.Capabilities.add[]": "v1.Capability",
    "core.v1.Capabilities.drop[]": "v1.Capability",
    "core.v1.Container.imagePullPolicy": "v1.PullPolicy",
    "core.v1.Container.restartPolicy": "v1.ContainerRestartPolicy",
    "core.v1.Container.terminationMessagePolicy": "v1.TerminationMessagePolicy",
    "core.v1.ContainerPort.protocol": "v1.Protocol",
    "core.v1.ContainerResizePolicy.resourceName": "v1.ResourceName",
    "core.v1.ContainerResizePolicy.restartPolicy": "v1.ResourceResizeRestartPolicy",
    "core.v1.ContainerRestartRule.action": "v1.ContainerRestartRuleAction",
    "core.v1.ContainerRestartRuleOnExitCodes.operator": "v1.ContainerRestartRuleOnExitCodesOperator",
    "core.v1.EmptyDirVolumeSource.medium": "v1.StorageMedium",
    "core.v1.EndpointPort.protocol": "v1.Protocol",
    "core.v1.EphemeralContainer.imagePullPolicy": "v1.PullPolicy",
    "core.v1.EphemeralContainer.restartPolicy": "v1.ContainerRestartPolicy",
    "core.v1.EphemeralContainer.terminationMessagePolicy": "v1.TerminationMessagePolicy",
    "core.v1.HTTPGetAction.scheme": "v1.URIScheme",
    "core.v1.HostPathVolumeSource.type": "v1.HostPathType",
    "core.v1.ImageVolumeSource.pullPolicy": "v1.PullPolicy",
    "core.v1.Lifecycle.stopSignal": "v1.Signal",
    "core.v1.LimitRangeItem.type": "v1.LimitType",
    "core.v1.LoadBalancerIngress.ipMode": "v1.LoadBalancerIPMode",
    "core.v1.NamespaceCondition.status": "v1.ConditionStatus",
    "core.v1.NamespaceCondition.type": "v1.NamespaceConditionType",
    "core.v1.NamespaceSpec.finalizers[]": "v1.FinalizerName",
    "core.v1.NamespaceStatus.phase": "v1.NamespacePhase",
    "core.v1.NodeAddress.type": "v1.NodeAddressType",
    "core.v1.NodeCondition.status": "v1.ConditionStatus",
    "core.v1.NodeCondition.type": "v1.NodeConditionType",
    "core.v1.NodeSelectorRequirement.operator": "v1.NodeSelectorOperator",
    "core.v1.NodeStatus.phase": "v1.NodePhase",
    "core.v1.NodeStatus.volumesInUse[]": "v1.UniqueVolumeName",
    "core.v1.ObjectReference.uid": "types.UID",
    "core.v1.PersistentVolumeClaimCondition.status": "v1.ConditionStatus",
    "core.v1.PersistentVolumeClaimCondition.type": "v1.PersistentVolumeClaimConditionType",
    "core.v1.PersistentVolumeClaimSpec.accessModes[]": "v1.PersistentVolumeAccessMode",
    "core.v1.PersistentVolumeClaimSpec.volumeMode": "v1.PersistentVolumeMode",
    "core.v1.PersistentVolumeClaimStatus.accessModes[]": "v1.PersistentVolumeAccessMode",
    "core.v1.PersistentVolumeClaimStatus.phase": "v1.PersistentVolumeClaimPhase",
    "core.v1.PersistentVolumeSpec.accessModes[]": "v1.PersistentVolumeAccessMode",
    "core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy": "v1.PersistentVolumeReclaimPolicy",
    "core.v1.PersistentVolumeSpec.volumeMode": "v1.PersistentVolumeMode",
    "core.v1.PersistentVolumeStatus.phase": "v1.PersistentVolumePhase",
    "core.v1.PodCondition.status": "v1.ConditionStatus",
    "core.v1.PodCondition.type": "v1.PodConditionType",
    "core.v1.PodOS.name": "v1.OSName",
    "core.v1.PodReadinessGate.conditionType": "v1.PodConditionType",
    "core.v1.PodSecurityContext.fsGroupChangePolicy": "v1.PodFSGroupChangePolicy",
    "core.v1.PodSecurityContext.seLinuxChangePolicy": "v1.PodSELinuxChangePolicy",
    "core.v1.PodSecurityContext.supplementalGroupsPolicy": "v1.SupplementalGroupsPolicy",
    "core.v1.PodSpec.dnsPolicy": "v1.DNSPolicy",
    "core.v1.PodSpec.preemptionPolicy": "v1.PreemptionPolicy",
    "core.v1.PodSpec.restartPolicy": "v1.RestartPolicy",
    "core.v1.PodStatus.phase": "v1.PodPhase",
    "core.v1.PodStatus.qosClass": "v1.PodQOSClass",
    "core.v1.PodStatus.resize": "v1.PodResizeStatus",
    "core.v1.PortStatus.protocol": "v1.Protocol",
    "core.v1.ReplicationControllerCondition.status": "v1.ConditionStatus",
    "core.v1.ReplicationControllerCondition.type": "v1.ReplicationControllerConditionType",
    "core.v1.ResourceQuotaSpec.scopes[]": "v1.ResourceQuotaScope",
    "core.v1.ScopedResourceSelectorRequirement.operator": "v1.ScopeSelectorOperator",
    "core.v1.ScopedResourceSelectorRequirement.scopeName": "v1.ResourceQuotaScope",
    "core.v1.SeccompProfile.type": "v1.SeccompProfileType",
    "core.v1.Secret.type": "v1.SecretType",
    "core.v1.SecurityContext.procMount": "v1.ProcMountType",
    "core.v1.ServicePort.protocol": "v1.Protocol",
    "core.v1.ServiceSpec.externalTrafficPolicy": "v1.ServiceExternalTrafficPolicy",
    "core.v1.ServiceSpec.internalTrafficPolicy": "v1.ServiceInternalTrafficPolicy",
    "core.v1.ServiceSpec.ipFamilies[]": "v1.IPFamily",
    "core.v1.ServiceSpec.ipFamilyPolicy": "v1.IPFamilyPolicy",
    "core.v1.ServiceSpec.sessionAffinity": "v1.ServiceAffinity",
    "core.v1.ServiceSpec.type": "v1.ServiceType",
    "core.v1.Taint.effect": "v1.TaintEffect",
    "core.v1.Toleration.effect": "v1.TaintEffect",
    "core.v1.Toleration.operator": "v1.TolerationOperator",
    "core.v1.TopologySpreadConstraint.nodeAffinityPolicy": "v1.NodeInclusionPolicy",
    "core.v1.TopologySpreadConstraint.nodeTaintsPolicy": "v1.NodeInclusionPolicy",
    "core.v1.TopologySpreadConstraint.whenUnsatisfiable": "v1.UnsatisfiableConstraintAction",
    "core.v1.VolumeMount.mountPropagation": "v1.MountPropagationMode",
    "core.v1.VolumeMount.recursiveReadOnly": "v1.RecursiveReadOnlyMode",
    "discovery.v1.EndpointPort.protocol": "v1.Protocol",
    "discovery.v1.EndpointSlice.addressType": "v1.AddressType",
    "meta.v1.DeleteOptions.propagationPolicy": "v1.DeletionPropagation",
    "meta.v1.LabelSelectorRequirement.operator": "v1.LabelSelectorOperator",
    "meta.v1.ManagedFieldsEntry.operation": "v1.ManagedFieldsOperationType",
    "meta.v1.ObjectMeta.uid": "types.UID",
    "meta.v1.OwnerReference.uid": "types.UID",
    "meta.v1.Preconditions.uid": "types.UID",
    "networking.v1.HTTPIngressPath.pathType": "v1.PathType",
    "networking.v1.NetworkPolicyPort.protocol": "v1.Protocol",
    "networking.v1.NetworkPolicySpec.policyTypes[]": "v1.PolicyType",
    "policy.v1.PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy": "v1.UnhealthyPodEvictionPolicyType",
    "scheduling.v1.PriorityClass.preemptionPolicy": "v1.PreemptionPolicy",
    "storage.v1.StorageClass.reclaimPolicy": "v1.PersistentVolumeReclaimPolicy",
    "storage.v1.StorageClass.volumeBindingMode": "v1.VolumeBindingMode",
}

SPECIAL = {
    f"{META}.Time": "time",
    f"{META}.MicroTime": "microtime",
    f"{META}.FieldsV1": "any",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "quantity",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "intstr",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool": "any",
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray": "any",
}

Json = dict[str, Any]


def short(definition: str) -> str:
    """`core.v1.Pod` for `io.k8s.api.core.v1.Pod`."""
    return ".".join(definition.split(".")[-3:])


def base_type(schema: Json) -> str:
    """The JSON type without the null that the source allows everywhere."""
    kind = schema.get("type", "object")
    return next(t for t in kind if t != "null") if isinstance(kind, list) else kind


def type_of(schema: Json, where: str) -> str:
    """One type in the small language of schemas.json (see minik8s/admission/schema.py)."""
    if "$ref" in schema:
        target = schema["$ref"].rpartition("/")[2]
        return SPECIAL.get(target) or short(target)
    kind = base_type(schema)
    if kind == "array":
        return "[]" + type_of(schema["items"], f"{where}[]")
    if kind == "object":
        if "additionalProperties" not in schema:
            return "any"
        return "{}" + type_of(schema["additionalProperties"], f"{where}{{}}")
    if kind == "integer":
        return str(schema.get("format", "int64"))
    if kind == "number":
        return "double"
    if kind == "boolean":
        return "bool"
    if schema.get("format") == "byte":
        return "bytes"
    return f"string:{GO_NAMES[where]}" if where in GO_NAMES else "string"


def patch_meta(schema: Json) -> list[Any]:
    """[strategy, merge key, list type, list keys] of a field, or []."""
    meta = [
        schema.get("x-kubernetes-patch-strategy", ""),
        schema.get("x-kubernetes-patch-merge-key", ""),
        schema.get("x-kubernetes-list-type", schema.get("x-kubernetes-map-type", "")),
        schema.get("x-kubernetes-list-map-keys", []),
    ]
    return meta if any(meta) else []


def structure(definition: str, schema: Json) -> Json:
    """One object type: its fields' types, what patches need, what is required."""
    name = short(definition)
    fields = {k: type_of(v, f"{name}.{k}") for k, v in schema.get("properties", {}).items()}
    meta = {k: m for k, v in schema.get("properties", {}).items() if (m := patch_meta(v))}
    out: Json = {"fields": fields}
    if meta:
        out["meta"] = meta
    if schema.get("required"):
        out["required"] = schema["required"]
    return out


def references(schema: Any) -> set[str]:
    """Every definition that a schema names."""
    if isinstance(schema, dict):
        found = (
            {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
        )
        return found.union(*(references(value) for value in schema.values()))
    if isinstance(schema, list):
        return set().union(*(references(value) for value in schema))
    return set()


def closure(definitions: Json, roots: list[str]) -> list[str]:
    """The roots and all that they refer to, sorted."""
    seen: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += references(definitions[name])
    return sorted(seen)


def without_null(schema: Any) -> Any:
    """The definition as the API publishes it: no null types, no enum of one's own kind."""
    if isinstance(schema, list):
        return [without_null(value) for value in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key == "type" and isinstance(value, list):
            out[key] = base_type(schema)
        elif key == "properties":
            out[key] = {k: without_null(_no_enum(k, v)) for k, v in value.items()}
        else:
            out[key] = without_null(value)
    return out


def _no_enum(name: str, schema: Json) -> Json:
    if name in ("apiVersion", "kind"):
        return {k: v for k, v in schema.items() if k != "enum"}
    return schema


def check_go_names(definitions: Json) -> None:
    """Fail if GO_NAMES names a field that is not there any more."""
    known = {short(name): schema.get("properties", {}) for name, schema in definitions.items()}
    for where in GO_NAMES:
        name, _, field = where.removesuffix("[]").rpartition(".")
        if field not in known[name]:
            raise SystemExit(f"GO_NAMES names {where}, which does not exist")


def main(folder: str) -> None:
    definitions = json.loads((Path(folder) / "kubernetes_validate" / SOURCE).read_text())["$defs"]
    check_go_names(definitions)
    kinds = {}
    for (group, version), names in KINDS.items():
        for kind in names.split():
            api_version = f"{group}/{version}" if group else version
            kinds[f"{api_version}/{kind}"] = f"{GROUPS[group, version]}.{kind}"
    roots = [*kinds.values(), *(f"{META}.{name}" for name in META_TYPES)]
    names = closure(definitions, roots)
    small = {
        "about": NOTICE,
        "kinds": {gvk: short(name) for gvk, name in kinds.items()},
        "types": {short(n): structure(n, definitions[n]) for n in names if n not in SPECIAL},
    }
    text = json.dumps(small, separators=(",", ":"), sort_keys=True)
    (TARGET / "schemas.json").write_text(text + "\n")
    full = {"about": NOTICE, "definitions": {n: without_null(definitions[n]) for n in names}}
    packed = json.dumps(full, separators=(",", ":"), sort_keys=True).encode()
    (TARGET / "schemas-openapi.json.gz").write_bytes(gzip.compress(packed, 9, mtime=0))
    print(f"{len(kinds)} kinds, {len(names)} definitions, {len(text)} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
