"""An audit log in which every field holds what a page might take for more than text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ADDRESS = "203.0.113.66"
CANARY_HOST = "canary.example.com"
CANARY = f"http://{CANARY_HOST}"
# a page that shows any of these as text has kept them text
TELLTALES = ("window.__owned=1", "<svg/onload", "</style>", "{{ 7*7 }}", "javascript:")
PAYLOADS = (
    "<script>window.__owned=1</script>",
    f'"><img src={CANARY}/img onerror=window.__owned=2>',
    "'><svg/onload=window.__owned=3>",
    "</title></style></textarea><script>window.__owned=4</script>",
    '--><iframe srcdoc="<script>parent.__owned=5</script>"></iframe><!--',
    "javascript:window.__owned=6//",
    "{{ 7*7 }}{% raw %}${7*7}<%= 7*7 %>{#",
    f"</code></td></table><link rel=stylesheet href={CANARY}/link>",
    f'x" onmouseover="window.__owned=7" style="background:url({CANARY}/css)',
    f"<meta http-equiv=refresh content='0;url={CANARY}/meta'><base href={CANARY}/>",
    f"[x](javascript:window.__owned=8) ![x]({CANARY}/md) <{CANARY}/auto>",
    "&lt;script&gt;&#60;script&#62;window.__owned=9&#60;/script&#62;",
    "<!--<![CDATA[<details ontoggle=window.__owned=10 open>",
    "<math><mtext><style><img title='</style><img src=x onerror=window.__owned=11>'>",
    "\u202egnp.exe\u2066\u2069\u200f mirrored",
    "\x1b]0;owned\x07\x1b[2J\x1b[31mred",
    "nul\x00nul \r\n\t\x85\u2028new line",
    "W" * 10_000,
    "\U0001f9c5" * 300 + "e" + "\u0301" * 300,
    "\ufdfd" * 200,
)


def _event(number: int, verb: str, resource: str, **more: Any) -> dict[str, Any]:
    """One event; every text that no detection needs as it is, is a payload, each field's another one."""
    dishes = [PAYLOADS[(number + place) % len(PAYLOADS)] for place in range(len(PAYLOADS))]
    reference = {"resource": resource, "apiVersion": "v1", "namespace": dishes[1], "name": dishes[2], "uid": dishes[3]}
    extra = {
        "authentication.kubernetes.io/credential-id": ["JTI=" + dishes[4]],
        "authentication.kubernetes.io/pod-name": [dishes[5]],
        "authentication.kubernetes.io/node-name": [dishes[6]],
    }
    moment = f"2026-01-15T10:{number // 60 % 60:02}:{number % 60:02}.{number % 1000:03}000Z"
    event = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": f"{number}-{dishes[7]}",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/x?command=sh&command=" + dishes[8],
        "verb": verb,
        "user": {"username": dishes[0], "uid": dishes[9], "groups": [dishes[10], "system:authenticated"], "extra": extra},
        "sourceIPs": [ADDRESS],
        "userAgent": dishes[11],
        "objectRef": reference,
        "responseStatus": {"code": 200, "message": dishes[12], "reason": dishes[13]},
        "requestReceivedTimestamp": moment,
        "stageTimestamp": moment,
        "annotations": {
            "authorization.k8s.io/decision": "allow",
            "authorization.k8s.io/reason": f'RBAC: allowed by ClusterRoleBinding "{dishes[14]}" of ClusterRole "{dishes[15]}"',
            dishes[16][:200]: dishes[17],
        },
    }
    return {**event, **more}


def _bodies(number: int) -> list[dict[str, Any]]:
    """Requests of every kind that pages tell of, the payloads moved on by one with each number."""
    first = number * 20
    dish = PAYLOADS[number % len(PAYLOADS)]
    other = PAYLOADS[(number + 7) % len(PAYLOADS)]
    told = {"name": dish, "namespace": other}
    pod = {"kind": "Pod", "metadata": told, "spec": {
        "serviceAccountName": other,
        "containers": [{"name": dish, "image": other, "envFrom": [{"secretRef": {"name": dish}}]}],
        "volumes": [{"name": dish, "secret": {"secretName": other}}],
    }}
    secret = {"kind": "Secret", "metadata": told, "type": dish, "data": {other: "eA==", dish: "eQ=="}}
    rules = [{"apiGroups": [dish], "resources": [other, "secrets"], "verbs": ["*", dish]}]
    role = {"kind": "ClusterRole", "metadata": {"name": dish}, "rules": rules}
    binding = {
        "kind": "ClusterRoleBinding", "metadata": {"name": dish},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"},
        "subjects": [{"kind": "User", "name": other}, {"kind": "ServiceAccount", "name": dish, "namespace": other}],
    }
    everywhere = {"resource": "secrets", "apiVersion": "v1"}
    entered = {"resource": "pods", "subresource": "exec", "apiVersion": "v1", **told}
    token = {"resource": "serviceaccounts", "subresource": "token", "apiVersion": "v1", **told}
    rbac = {"apiGroup": "rbac.authorization.k8s.io", "apiVersion": "v1", "name": dish}
    issued = {"authentication.kubernetes.io/issued-credential-id": "JTI=" + other}
    denied = {"code": 403, "reason": "Forbidden", "message": dish}
    return [
        _event(first, "get", "secrets", responseObject=secret),
        _event(first + 1, "list", "secrets", objectRef=everywhere, responseObject={"kind": "SecretList", "items": [secret]}),
        _event(first + 2, "get", "secrets", responseStatus=denied),
        _event(first + 3, "create", "pods", requestObject=pod, responseObject=pod),
        _event(first + 4, "create", "pods", objectRef=entered, requestURI=f"/api/v1/x/exec?container={dish}&command={other}"),
        _event(first + 5, "create", "serviceaccounts", objectRef=token, annotations=issued),
        _event(first + 6, "create", "x", objectRef={"resource": "clusterroles", **rbac}, requestObject=role),
        _event(first + 7, "create", "x", objectRef={"resource": "clusterrolebindings", **rbac}, requestObject=binding),
        _event(first + 8, "get", "secrets", impersonatedUser={"username": other, "groups": [dish, "system:masters"]}),
        _event(first + 9, "get", "nodes", user={"username": "system:anonymous", "groups": ["system:unauthenticated"]}),
        _event(first + 10, dish, other),
    ]


def write(folder: Path) -> None:
    """Writes the log into a folder, in a file whose name is hostile too."""
    folder.mkdir(parents=True, exist_ok=True)
    events = [event for number in range(len(PAYLOADS)) for event in _bodies(number)]
    name = "audit-<img src=x onerror=window.__owned=12>.log"
    (folder / name).write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
