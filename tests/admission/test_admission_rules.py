"""Rules of single kinds: a sound object, one change to it, and all that is wrong then."""

from __future__ import annotations

import copy

import pytest

from minik8s.admission import decode, default, validate_create, validate_update
from minik8s.errors import Invalid
from minik8s.model.registry import Registry

REGISTRY = Registry()
IMAGE = {"name": "a", "image": "nginx:1"}
TEMPLATE = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [IMAGE]}}
SELECTOR = {"matchLabels": {"app": "x"}}

SOUND = {
    "pod": {"spec": {"containers": [IMAGE]}},
    "service": {"spec": {"ports": [{"port": 80}]}},
    "deployment": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "replicaset": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "statefulset": {"spec": {"selector": SELECTOR, "template": TEMPLATE, "serviceName": "x"}},
    "daemonset": {"spec": {"selector": SELECTOR, "template": TEMPLATE}},
    "job": {
        "spec": {
            "manualSelector": True,
            "selector": SELECTOR,
            "template": {**TEMPLATE, "spec": {"containers": [IMAGE], "restartPolicy": "Never"}},
        },
    },
    "cronjob": {
        "spec": {
            "schedule": "*/5 * * * *",
            "jobTemplate": {
                "spec": {"template": {"spec": {"containers": [IMAGE], "restartPolicy": "Never"}}}
            },
        }
    },
    "configmap": {"data": {"a": "b"}},
    "secret": {"data": {"a": "YQ=="}},
    "endpointslice": {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.5"]}]},
    "endpoints": {"subsets": [{"addresses": [{"ip": "10.0.0.5"}], "ports": [{"port": 80}]}]},
    "namespace": {},
    "node": {"spec": {"podCIDRs": ["10.0.1.0/24"]}},
    "serviceaccount": {},
    "persistentvolumeclaim": {
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    },
    "limitrange": {"spec": {"limits": [{"type": "Container", "max": {"cpu": "1"}}]}},
    "role": {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]},
    "rolebinding": {
        "roleRef": {"kind": "Role", "name": "reader"},
        "subjects": [{"kind": "User", "name": "student"}],
    },
}


def sound(name):
    kind = REGISTRY.find(name)
    metadata = {"name": "x", "namespace": "default"} if kind.namespaced else {"name": "x"}
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": metadata,
        **copy.deepcopy(SOUND[name]),
    }


def changed(name, path, value):
    """A sound object with another value at a path; a missing step is made."""
    document = place = sound(name)
    *steps, last = path.split(".")
    for step in steps:
        place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
    place[int(last) if last.isdigit() else last] = value
    return document


def admitted(document):
    kind = REGISTRY.of(document)
    return default(kind, decode(kind, document, "Strict")[0])


def problems(document, old=None):
    kind = REGISTRY.of(document)
    try:
        if old is None:
            validate_create(kind, admitted(document))
        else:
            validate_update(kind, admitted(document), admitted(old))
    except Invalid as error:
        return [f"{cause.field}: {cause.message}" for cause in error.causes]
    return []


@pytest.mark.parametrize("name", SOUND)
def test_sound_object(name):
    assert problems(sound(name)) == []
    assert problems(sound(name), sound(name)) == []


NEGATIVE = "must be greater than or equal to 0"
SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
CONTAINER = "spec.containers[0]"
MOUNT = [{"name": "v", "mountPath": "/v"}]
PROBE = {"httpGet": {"port": 80}}
TWO = [{"name": "a", "port": 80}, {"name": "b", "port": 81}]

RULES = [
    # metadata
    ("pod", "metadata.name", "Web", [f'metadata.name: Invalid value: "Web": {SUBDOMAIN}']),
    ("pod", "metadata.name", "a" * 254,
     [f'metadata.name: Invalid value: "{"a" * 254}": must be no more than 253 bytes']),
    ("pod", "metadata.generateName", "Web-",
     [f'metadata.generateName: Invalid value: "Web-": {SUBDOMAIN}']),
    ("pod", "metadata.generateName", "web-", []),
    ("pod", "metadata.namespace", "a.b",
     [f'metadata.namespace: Invalid value: "a.b": {LABEL}']),
    ("namespace", "metadata.namespace", "x",
     ["metadata.namespace: Forbidden: not allowed on this type"]),
    ("namespace", "metadata.name", "a" * 64,
     [f'metadata.name: Invalid value: "{"a" * 64}": must be no more than 63 bytes',
      f'metadata.labels: Invalid value: "{"a" * 64}": must be no more than 63 bytes']),
    ("pod", "metadata.annotations", {"a b": "x", "Example.com/OK": "any text\n"},
     [f'metadata.annotations: Invalid value: "a b": {QUALIFIED}']),
    ("pod", "metadata.annotations", {"big": "x" * (256 * 1024)},
     ["metadata.annotations: Too long: may not be more than 262144 bytes"]),
    ("pod", "metadata.labels", {"/a": "x", "example.com/": "y"},
     ['metadata.labels: Invalid value: "/a": prefix part must be non-empty',
      'metadata.labels: Invalid value: "example.com/": name part must be non-empty',
      f'metadata.labels: Invalid value: "example.com/": {QUALIFIED}']),
    ("pod", "metadata.ownerReferences", [{"apiVersion": "v1", "kind": "", "name": "o", "uid": ""}],
     ['metadata.ownerReferences.kind: Invalid value: "": must not be empty',
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty']),
    ("pod", "metadata.finalizers", ["a b"],
     [f'metadata.finalizers: Invalid value: "a b": {QUALIFIED}']),
    ("pod", "metadata.finalizers", ["orphan", "foregroundDeletion"],
     ['metadata.finalizers: Invalid value: ["orphan","foregroundDeletion"]: finalizer orphan and '
      "foregroundDeletion cannot be both set"]),
    # containers
    ("pod", "spec.containers.0.name", "A_b", [f'{CONTAINER}.name: Invalid value: "A_b": {LABEL}']),
    ("pod", "spec.containers.0.image", " x",
     [f'{CONTAINER}.image: Invalid value: " x": must not have leading or trailing whitespace']),
    ("pod", "spec.containers.0.imagePullPolicy", "Sometimes",
     [f'{CONTAINER}.imagePullPolicy: Unsupported value: "Sometimes": supported values: "Always", '
      '"IfNotPresent", "Never"']),
    ("pod", "spec.containers.0.ports",
     [{"containerPort": 0}, {"containerPort": 70000, "name": "http"},
      {"containerPort": 80, "name": "http", "protocol": "HTTP"}],
     [f"{CONTAINER}.ports[0].containerPort: Required value",
      f"{CONTAINER}.ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, "
      "inclusive",
      f'{CONTAINER}.ports[2].name: Duplicate value: "http"',
      f'{CONTAINER}.ports[2].protocol: Unsupported value: "HTTP": supported values: "SCTP", '
      '"TCP", "UDP"']),
    ("pod", "spec.containers.0.ports",
     [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}],
     [f'{CONTAINER}.ports[1].hostPort: Duplicate value: "TCP//80"']),
    ("pod", "spec.containers.0.env", [{"name": ""}, {"name": "a=b"}, {"name": "a.b-c"}],
     [f"{CONTAINER}.env[0].name: Required value",
      f'{CONTAINER}.env[1].name: Invalid value: "a=b": a valid environment variable name must '
      "consist only of printable ASCII characters other than '='"]),
    ("pod", "spec.containers.0.env",
     [{"name": "A", "valueFrom": {}},
      {"name": "B", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
      {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "spec.bogus"}}},
      {"name": "D", "valueFrom": {"configMapKeyRef": {"name": "m", "key": ""}}}],
     [f'{CONTAINER}.env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, '
      "`resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
      f'{CONTAINER}.env[1].valueFrom: Invalid value: "": may not be specified when `value` is not '
      "empty",
      f'{CONTAINER}.env[2].valueFrom.fieldRef.fieldPath: Invalid value: "spec.bogus": error '
      "converting fieldPath: field label not supported: spec.bogus",
      f"{CONTAINER}.env[3].valueFrom.configMapKeyRef.key: Required value"]),
    ("pod", "spec.containers.0.volumeMounts", MOUNT,
     [f'{CONTAINER}.volumeMounts[0].name: Not found: "v"']),
    ("pod", "spec",
     {"containers": [{**IMAGE, "volumeMounts": [*MOUNT, *MOUNT]}],
      "volumes": [{"name": "v", "emptyDir": {}}]},
     [f'{CONTAINER}.volumeMounts[1].mountPath: Invalid value: "/v": must be unique']),
    ("pod", "spec.containers.0.resources",
     {"requests": {"cpu": "2", "memory": "-1"}, "limits": {"cpu": "1", "gold": "1"}},
     [f'{CONTAINER}.resources.limits[gold]: Invalid value: "gold": must be a standard resource '
      "type or fully qualified",
      f'{CONTAINER}.resources.limits[gold]: Invalid value: "gold": must be a standard resource '
      "for containers",
      f'{CONTAINER}.resources.requests: Invalid value: "2": must be less than or equal to cpu '
      "limit of 1",
      f'{CONTAINER}.resources.requests[gold]: Invalid value: "gold": must be a standard resource '
      "type or fully qualified",
      f'{CONTAINER}.resources.requests[gold]: Invalid value: "gold": must be a standard resource '
      "for containers",
      f'{CONTAINER}.resources.requests[memory]: Invalid value: "-1": {NEGATIVE}']),
    ("pod", "spec.containers.0.livenessProbe", {**PROBE, "successThreshold": 2},
     [f"{CONTAINER}.livenessProbe.successThreshold: Invalid value: 2: must be 1"]),
    ("pod", "spec.containers.0.readinessProbe", {"periodSeconds": -1},
     [f"{CONTAINER}.readinessProbe: Required value: must specify a handler type",
      f"{CONTAINER}.readinessProbe.periodSeconds: Invalid value: -1: {NEGATIVE}"]),
    ("pod", "spec.containers.0.livenessProbe", {**PROBE, "exec": {"command": []}},
     [f"{CONTAINER}.livenessProbe.exec.command: Required value",
      f"{CONTAINER}.livenessProbe.httpGet: Forbidden: may not specify more than 1 handler type"]),
    ("pod", "spec.initContainers", [{**IMAGE, "readinessProbe": PROBE}],
     ['spec.initContainers[0].name: Duplicate value: "a"',
      "spec.initContainers[0].readinessProbe: Forbidden: may not be set for init containers "
      "without restartPolicy=Always"]),
    ("pod", "spec.ephemeralContainers", [{"name": "d", "image": "busybox:1"}],
     ["spec.ephemeralContainers: Forbidden: cannot be set on create"]),
    ("pod", "spec.containers.0.securityContext",
     {"runAsUser": -1, "privileged": True, "allowPrivilegeEscalation": False},
     [f"{CONTAINER}.securityContext.runAsUser: Invalid value: -1: must be between 0 and "
      "2147483647, inclusive",
      f'{CONTAINER}.securityContext: Invalid value: {{"allowPrivilegeEscalation":false,'
      '"privileged":true,"runAsUser":-1}: cannot set `allowPrivilegeEscalation` to false and '
      "`privileged` to true"]),
    # pods
    ("pod", "spec.volumes",
     [{"name": "v", "emptyDir": {}, "hostPath": {"path": "/x"}}, {"name": "w", "secret": {}},
      {"name": "", "configMap": {"name": "c", "defaultMode": 4096}}],
     ["spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type",
      "spec.volumes[1].secret.secretName: Required value",
      "spec.volumes[2].configMap.defaultMode: Invalid value: 4096: must be a number between 0 and "
      "0777 (octal), both inclusive",
      "spec.volumes[2].name: Required value"]),
    ("pod", "spec.volumes", [{"name": "v"}, {"name": "v"}],
     ['spec.volumes[1].name: Duplicate value: "v"']),
    ("pod", "spec.dnsPolicy", "Mine",
     ['spec.dnsPolicy: Unsupported value: "Mine": supported values: "ClusterFirstWithHostNet", '
      '"ClusterFirst", "Default", "None"']),
    ("pod", "spec.dnsPolicy", "None",
     ["spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"]),
    ("pod", "spec.hostname", "a.b", [f'spec.hostname: Invalid value: "a.b": {LABEL}']),
    ("pod", "spec.activeDeadlineSeconds", 0,
     ["spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"]),
    ("pod", "spec.tolerations", [{"operator": "Equal"}, {"key": "a", "operator": "In"}],
     ['spec.tolerations[0].operator: Invalid value: "Equal": operator must be Exists when `key` '
      'is empty, which means "match all values and all keys"',
      'spec.tolerations[1].operator: Unsupported value: "In": supported values: "Equal", '
      '"Exists"']),
    ("pod", "spec.affinity", {"podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": SELECTOR}]}},
     ["spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]"
      ".topologyKey: Required value: can not be empty"]),
    ("pod", "spec.topologySpreadConstraints",
     [{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "Maybe"}],
     ["spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
      'spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Maybe": supported '
      'values: "DoNotSchedule", "ScheduleAnyway"']),
    ("pod", "spec.volumes",
     [{"name": "v", "downwardAPI": {"items": [
         {"path": "/a", "fieldRef": {"fieldPath": "metadata.labels['app']"}},
         {"path": "b", "fieldRef": {"fieldPath": "status.podIP"}},
         {"path": "c"},
         {"path": "d", "resourceFieldRef": {"resource": "limits.cpu"}}]}}],
     ['spec.volumes[0].downwardAPI[0].path: Invalid value: "/a": must be a relative path',
      'spec.volumes[0].downwardAPI[1].fieldRef.fieldPath: Unsupported value: "status.podIP": '
      'supported values: "metadata.annotations", "metadata.labels", "metadata.name", '
      '"metadata.namespace", "metadata.uid"',
      "spec.volumes[0].downwardAPI[2]: Required value: one of fieldRef and resourceFieldRef is "
      "required",
      "spec.volumes[0].downwardAPI[3].resourceFieldRef.containerName: Required value"]),
    ("pod", "spec.volumes",
     [{"name": "v", "projected": {"sources": [
         {"serviceAccountToken": {"path": "../x", "expirationSeconds": 5}},
         {"configMap": {"name": "c"}, "secret": {"name": "s"}}]}}],
     ["spec.volumes[0].projected.sources[0].serviceAccountToken.expirationSeconds: Invalid value: "
      "5: may not specify a duration less than 10 minutes",
      'spec.volumes[0].projected.sources[0].serviceAccountToken.path: Invalid value: "../x": must '
      "not contain '..'",
      "spec.volumes[0].projected.sources[1].secret: Forbidden: may not specify more than 1 volume "
      "type"]),
    ("pod", "spec.volumes",
     [{"name": "a", "hostPath": {"path": "/a/../b", "type": "Pipe"}},
      {"name": "b", "nfs": {"path": "b"}},
      {"name": "c", "persistentVolumeClaim": {"claimName": ""}},
      {"name": "d", "secret": {"secretName": "s", "items": [{"key": "", "path": "..x"}]}}],
     ['spec.volumes[0].hostPath.path: Invalid value: "/a/../b": must not contain \'..\'',
      'spec.volumes[0].hostPath.type: Unsupported value: "Pipe": supported values: "", '
      '"BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", '
      '"Socket"',
      "spec.volumes[1].nfs.server: Required value",
      'spec.volumes[1].nfs.path: Invalid value: "b": must be an absolute path',
      "spec.volumes[2].persistentVolumeClaim.claimName: Required value",
      "spec.volumes[3].secret.items[0].key: Required value",
      'spec.volumes[3].secret.items[0].path: Invalid value: "..x": must not start with \'..\'']),
    ("pod", "spec.affinity", {"nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
            {"matchExpressions": [{"key": "a", "operator": "In"},
                                  {"key": "b", "operator": "Exists", "values": ["c"]},
                                  {"key": "c", "operator": "Gt", "values": []},
                                  {"key": "d", "operator": "Is"}]}]},
        "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 0, "preference": {}}]}},
     [f"spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution{text}" for text in
      [".nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified when "
       "`operator` is 'In' or 'NotIn'",
       ".nodeSelectorTerms[0].matchExpressions[1].values: Forbidden: may not be specified when "
       "`operator` is 'Exists' or 'DoesNotExist'",
       ".nodeSelectorTerms[0].matchExpressions[2].values: Required value: must be specified single "
       "value when `operator` is 'Lt' or 'Gt'",
       '.nodeSelectorTerms[0].matchExpressions[3].operator: Invalid value: "Is": not a valid '
       "selector operator"]]
     + ["spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight: "
        "Invalid value: 0: must be in the range 1-100"]),
    ("pod", "spec.dnsConfig",
     {"nameservers": ["a", "10.0.0.1", "10.0.0.2", "10.0.0.3"], "searches": ["a_b.c.", "A"],
      "options": [{"value": "5"}]},
     ['spec.dnsConfig.nameservers: Invalid value: ["a","10.0.0.1","10.0.0.2","10.0.0.3"]: must not '
      "have more than 3 nameservers",
      'spec.dnsConfig.nameservers[0]: Invalid value: "a": must be a valid IP address, (e.g. '
      "10.9.8.7 or 2001:db8::ffff)",
      f'spec.dnsConfig.searches[1]: Invalid value: "A": {SUBDOMAIN}',
      "spec.dnsConfig.options[0]: Required value: must not be empty"]),
    ("pod", "spec.hostAliases", [{"ip": "x", "hostnames": ["A"]}],
     ['spec.hostAliases[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or '
      "2001:db8::ffff)",
      f'spec.hostAliases[0].hostnames[0]: Invalid value: "A": {SUBDOMAIN}']),
    ("pod", "spec.readinessGates", [{"conditionType": "a b"}],
     [f'spec.readinessGates[0].conditionType: Invalid value: "a b": {QUALIFIED}']),
    ("pod", "spec.schedulingGates", [{"name": "a"}, {"name": "a"}],
     ['spec.schedulingGates[1]: Duplicate value: "a"']),
    ("pod", "spec.containers.0.envFrom",
     [{}, {"configMapRef": {"name": ""}}, {"prefix": "a=", "secretRef": {"name": "s"}}],
     [f'{CONTAINER}.envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
      f"{CONTAINER}.envFrom[1].configMapRef.name: Required value",
      f'{CONTAINER}.envFrom[2].prefix: Invalid value: "a=": a valid environment variable name must '
      "consist only of printable ASCII characters other than '='"]),
    ("pod", "spec",
     {"volumes": [{"name": "v"}], "containers": [{**IMAGE, "volumeMounts": [
         {"name": "v", "mountPath": "/v", "subPath": "/x", "mountPropagation": "Bidirectional"}]}]},
     [f'{CONTAINER}.volumeMounts.subPath: Invalid value: "/x": must be a relative path',
      f"{CONTAINER}.volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is "
      "available only to privileged containers"]),
    # services
    ("service", "metadata.name", "a.b",
     ['metadata.name: Invalid value: "a.b": a DNS-1035 label must consist of lower case '
      "alphanumeric characters or '-', start with an alphabetic character, and end with an "
      "alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
      "'[a-z]([-a-z0-9]*[a-z0-9])?')"]),
    ("service", "spec.ports.0.port", 70000,
     ["spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive",
      "spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive"]),
    ("service", "spec.ports.0.targetPort", "80",
     ['spec.ports[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)']),
    ("service", "spec.ports.0.nodePort", 30000,
     ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"]),
    ("service", "spec.ports", [TWO[0], {**TWO[1], "name": "a"}],
     ['spec.ports[1].name: Duplicate value: "a"']),
    ("service", "spec.ports", [TWO[0], {**TWO[1], "port": 80}],
     ['spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}']),
    ("service", "spec.clusterIP", "10.0.0.300",
     ['spec.clusterIPs[0]: Invalid value: "10.0.0.300": must be a valid IP address, (e.g. '
      "10.9.8.7 or 2001:db8::ffff)"]),
    ("service", "spec", {"type": "ExternalName"}, ["spec.externalName: Required value"]),
    ("service", "spec", {"clusterIP": "None"}, []),
    ("service", "spec", {"clusterIP": "None", "type": "NodePort"},
     ["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort "
      "services"]),
    ("service", "spec.sessionAffinity", "Sticky",
     ['spec.sessionAffinity: Unsupported value: "Sticky": supported values: "ClientIP", "None"']),
    ("service", "spec.externalIPs", ["127.0.0.1"],
     ['spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range '
      "(127.0.0.0/8, ::1/128)"]),
    ("service", "spec.selector", {"a b": "c"},
     [f'spec.selector: Invalid value: "a b": {QUALIFIED}']),
    ("service", "spec", {"ports": [{"port": 80}], "loadBalancerSourceRanges": ["10.0.0.0"],
                         "allocateLoadBalancerNodePorts": True, "healthCheckNodePort": 30000,
                         "externalTrafficPolicy": "Local", "internalTrafficPolicy": "Near",
                         "trafficDistribution": "Far"},
     ["spec.loadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
      'spec.loadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, '
      "(e.g. 10.9.8.0/24 or 2001:db8::/64)",
      "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is "
      "'LoadBalancer'",
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for '
      "externally-accessible services",
      "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is "
      "'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      'spec.internalTrafficPolicy: Unsupported value: "Near": supported values: "Cluster", "Local"',
      'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", '
      '"PreferSameNode", "PreferSameZone"']),
    ("service", "spec.ipFamilies", ["IPv4", "IPv4", "IPv5"],
     ['spec.ipFamilies[1]: Duplicate value: "IPv4"',
      'spec.ipFamilies[2]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"']),
    ("service", "spec", {"ports": [{"port": 80}], "clusterIP": "10.0.0.1",
                         "clusterIPs": ["10.0.0.2", "10.0.0.3"]},
     ['spec.clusterIPs: Invalid value: ["10.0.0.2","10.0.0.3"]: first value must match '
      "`clusterIP`",
      'spec.clusterIPs: Invalid value: ["10.0.0.2","10.0.0.3"]: may specify no more than one IP '
      "for each IP family"]),
    ("service", "spec", {"type": "ExternalName", "externalName": "a_b", "clusterIP": "None"},
     ["spec.clusterIPs: Forbidden: may not be set for ExternalName services",
      f'spec.externalName: Invalid value: "a_b": {SUBDOMAIN}']),
    ("service", "spec",
     {"ports": [{"port": 80}], "sessionAffinity": "ClientIP",
      "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 90000}}},
     ["spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 90000: must be greater "
      "than 0 and less than 86400"]),
    ("endpoints", "subsets", [{}],
     ["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"]),
    ("endpointslice", "addressType", "ipv4",
     ['addressType: Unsupported value: "ipv4": supported values: "FQDN", "IPv4", "IPv6"']),
    ("endpointslice", "endpoints.0.addresses", ["fd00::1"],
     ['endpoints[0].addresses[0]: Invalid value: "fd00::1": must be a valid IPv4 address']),
    ("endpointslice", "endpoints.0.addresses", [],
     ["endpoints[0].addresses: Required value: must contain at least 1 address"]),
    # workloads
    ("deployment", "spec.selector", {},
     ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"]),
    ("deployment", "spec.template.spec.restartPolicy", "Never",
     ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"']),
    ("deployment", "spec.template.spec.containers.0.image", "",
     ["spec.template.spec.containers[0].image: Required value"]),
    ("deployment", "spec.strategy", {"type": "Canary"},
     ['spec.strategy: Unsupported value: {"type":"Canary"}: supported values: "Recreate", '
      '"RollingUpdate"']),
    ("deployment", "spec.strategy", {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "0%"}},
     ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when '
      "`maxSurge` is 0"]),
    ("deployment", "spec.strategy", {"rollingUpdate": {"maxSurge": "many"}},
     ['spec.strategy.rollingUpdate.maxSurge: Invalid value: "many": must be an integer or '
      "percentage (e.g '5%')"]),
    ("deployment", "spec.minReadySeconds", 600,
     ["spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"]),
    ("replicaset", "spec.replicas", -1, [f"spec.replicas: Invalid value: -1: {NEGATIVE}"]),
    ("statefulset", "spec.template.metadata.labels", {"app": "y"},
     ['spec.template.metadata.labels: Invalid value: {"app":"y"}: `selector` does not match '
      "template `labels`"]),
    ("statefulset", "spec.podManagementPolicy", "Chaotic",
     ['spec.podManagementPolicy: Invalid value: "Chaotic": must be \'OrderedReady\' or '
      "'Parallel'"]),
    ("daemonset", "spec.template.metadata.labels", {"app": "y"},
     ['spec.template.metadata.labels: Invalid value: {"app":"y"}: `selector` does not match '
      "template `labels`"]),
    ("job", "spec.template.spec.restartPolicy", "Always",
     ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"']),
    ("job", "spec.parallelism", -1, [f"spec.parallelism: Invalid value: -1: {NEGATIVE}"]),
    ("cronjob", "spec.schedule", "* * *",
     ['spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]']),
    ("cronjob", "metadata.name", "a" * 53,
     [f'metadata.name: Invalid value: "{"a" * 53}": must be no more than 52 bytes']),
    # the rest
    ("configmap", "data", {"a b": "c"},
     ['data[a b]: Invalid value: "a b": a valid config key must consist of alphanumeric '
      "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used "
      "for validation is '[-._a-zA-Z0-9]+')"]),
    ("configmap", "binaryData", {"a": "YQ=="},
     ['data[a]: Invalid value: "a": duplicate of key present in binaryData']),
    ("secret", "data", {"..": ""}, ['data[..]: Invalid value: "..": must not be \'..\'']),
    ("secret", "type", "kubernetes.io/tls",
     ["data[tls.crt]: Required value", "data[tls.key]: Required value"]),
    ("secret", "type", "kubernetes.io/basic-auth",
     ["data[username]: Required value", "data[password]: Required value"]),
    ("secret", "type", "kubernetes.io/service-account-token",
     ["metadata.annotations[kubernetes.io/service-account.name]: Required value"]),
    ("secret", "data", {"a": "QUFB" * 350000},
     ["data: Too long: may not be more than 1048576 bytes"]),
    ("node", "spec.taints", [{"key": "a", "effect": "Sometimes"}],
     ['metadata.taints[0].effect: Unsupported value: "Sometimes": supported values: '
      '"NoSchedule", "PreferNoSchedule", "NoExecute"']),
    ("node", "spec.podCIDRs", ["10.0.1.0/24", "10.0.2.0/24"],
     ['spec.podCIDRs: Invalid value: ["10.0.1.0/24","10.0.2.0/24"]: may specify no more than one '
      "CIDR for each IP family"]),
    ("persistentvolumeclaim", "spec.accessModes", [],
     ["spec.accessModes: Required value: at least 1 access mode is required"]),
    ("limitrange", "spec.limits.0.min", {"cpu": "2"},
     ['spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1']),
    ("role", "rules", [{"apiGroups": [""], "resources": ["pods"]}],
     ["rules[0].verbs: Required value: verbs must contain at least one value"]),
    ("role", "rules", [{"verbs": ["get"], "nonResourceURLs": ["/healthz"]}, {"verbs": ["get"]}],
     ['rules[0].nonResourceURLs: Invalid value: ["/healthz"]: namespaced rules cannot apply to '
      "non-resource URLs",
      "rules[1].apiGroups: Required value: resource rules must supply at least one api group",
      "rules[1].resources: Required value: resource rules must supply at least one resource"]),
    ("rolebinding", "subjects", [{"kind": "Robot", "name": ""}, {"kind": "ServiceAccount",
                                                                "name": "A"}],
     ["subjects[0].name: Required value",
      'subjects[0].kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", '
      '"Group"',
      f'subjects[1].name: Invalid value: "A": {SUBDOMAIN}']),
    ("role", "metadata.name", "a/b",
     ["metadata.name: Invalid value: \"a/b\": may not contain '/'"]),
    ("rolebinding", "roleRef.name", "", ["roleRef.name: Required value"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "path", "value", "expected"),
    RULES,
    ids=[f"{row[0]} {row[1]} {str(row[2])[:40]}" for row in RULES],
)
def test_rule(name, path, value, expected):
    assert problems(changed(name, path, value)) == expected


UPDATES = [
    ("pod", "metadata.labels", {"a": "b"}, []),
    ("pod", "spec.containers.0.image", "nginx:2", []),
    ("pod", "spec.containers", [IMAGE, {"name": "b", "image": "b:1"}],
     ["spec.containers: Forbidden: pod updates may not add or remove containers"]),
    ("pod", "spec.tolerations", [{"key": "a", "operator": "Exists"}], []),
    ("pod", "spec.activeDeadlineSeconds", 5, []),
    ("pod", "metadata.name", "y", ['metadata.name: Invalid value: "y": field is immutable']),
    ("deployment", "spec.replicas", 5, []),
    ("deployment", "spec.template.spec.containers.0.image", "nginx:2", []),
    ("replicaset", "spec.selector", {"matchExpressions": [{"key": "app", "operator": "Exists"}]},
     ['spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: '
      "field is immutable"]),
    ("statefulset", "spec.replicas", 3, []),
    ("statefulset", "spec.serviceName", "other",
     ["spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
      "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
      "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"]),
    ("secret", "type", "example.com/other",
     ['type: Invalid value: "example.com/other": field is immutable']),
    ("endpointslice", "addressType", "FQDN",
     ['addressType: Invalid value: "FQDN": field is immutable']),
    ("rolebinding", "roleRef.name", "writer",
     ['roleRef: Invalid value: {"apiGroup":"rbac.authorization.k8s.io","kind":"Role",'
      '"name":"writer"}: cannot change roleRef']),
    ("job", "spec.template.spec.containers.0.image", "nginx:2",
     None),
    ("service", "spec.type", "NodePort", []),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "path", "value", "expected"), UPDATES, ids=[f"{row[0]} {row[1]}" for row in UPDATES]
)
def test_update(name, path, value, expected):
    found = problems(changed(name, path, value), sound(name))
    if expected is None:
        assert len(found) == 1
        assert found[0].startswith('spec.template: Invalid value: {"metadata":{"labels":')
        assert found[0].endswith(": field is immutable")
    else:
        assert found == expected


def test_object_that_is_going_gets_no_new_finalizer():
    old = changed("pod", "metadata.deletionTimestamp", "2026-03-08T09:00:00Z")
    new = copy.deepcopy(old)
    new["metadata"]["finalizers"] = ["example.com/wait"]
    assert problems(new, old) == [
        "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being "
        'deleted, found new finalizers []string{"example.com/wait"}'
    ]


def test_immutable_config_map_stays_as_it_is():
    old = changed("configmap", "immutable", True)
    new = sound("configmap")
    new["data"] = {"a": "c"}
    frozen = "field is immutable when `immutable` is set"
    assert problems(new, old) == [f"immutable: Forbidden: {frozen}", f"data: Forbidden: {frozen}"]


def test_headless_service_may_not_get_an_address():
    old = changed("service", "spec.clusterIP", "None")
    new = changed("service", "spec.clusterIP", "10.96.0.9")
    assert problems(new, old) == [
        'spec.clusterIPs[0]: Invalid value: ["10.96.0.9"]: may not change once set'
    ]


def test_service_keeps_its_address_when_it_says_nothing_new():
    old = sound("service")
    old["spec"].update(clusterIP="10.96.0.9", clusterIPs=["10.96.0.9"])
    new = copy.deepcopy(old)
    new["spec"]["ports"][0]["port"] = 8080
    assert problems(new, old) == []
    del new["spec"]["clusterIPs"]
    assert problems(new, old) == []


def test_pod_tolerations_may_only_grow():
    old = changed("pod", "spec.tolerations", [{"key": "a", "operator": "Exists"}])
    assert problems(sound("pod"), old) == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its "
        "tolerationSeconds"
    ]
