"""What is judged wrong or doubtful in a configuration that can be read: each with place, message and fix."""

from __future__ import annotations

import pytest

from clusters.inventory import Finding, parse

GROUPS = "roleGroups:\n  etcd: [a]\n  control-plane: [a]\n"
HOSTS = "hosts:\n- {name: a, address: 10.0.0.1}\n"

Case = tuple[str, str, str, int, int, str, str]

CASES: dict[str, tuple[str, Case]] = {
    "unknown host": (
        "hosts:\n- {name: worker1, address: 10.0.0.1}\n"
        "roleGroups:\n  etcd: [worker1]\n  control-plane: [worker1]\n  worker:\n  - worker[1:2]\n",
        (
            "error", "unknown-host", "roleGroups.worker[0]", 7, 5,
            "The role group 'worker' names 'worker2', which is not among the hosts.",
            "Did you mean 'worker1'? Otherwise add 'worker2' under 'hosts', or take it out of the group.",
        ),
    ),
    "a range of unknown hosts": (
        HOSTS + GROUPS + "  worker:\n  - w[1:7]\n",
        (
            "error", "unknown-host", "roleGroups.worker[0]", 7, 5,
            "The role group 'worker' names 'w1', 'w2', 'w3', 'w4', 'w5' and 2 more, which are not among the hosts.",
            "Add them under 'hosts', or take them out of the group.",
        ),
    ),
    "bad range": (
        HOSTS + GROUPS + '  worker: ["a[2:1]"]\n',
        (
            "error", "range", "roleGroups.worker[0]", 6, 12,
            "The range 'a[2:1]' runs backwards.", "Write it as a[1:2].",
        ),
    ),
    "duplicate name": (
        HOSTS + "- {name: a, address: 10.0.0.2}\n" + GROUPS,
        (
            "error", "duplicate-name", "hosts[1].name", 3, 10,
            "Two hosts are named 'a'; the first is hosts[0].name on line 2.", "Give each host a name of its own.",
        ),
    ),
    "duplicate address": (
        HOSTS + "- {name: b, address: 10.0.0.1}\n" + GROUPS + "  worker: [b]\n",
        (
            "error", "duplicate-address", "hosts[1].address", 3, 22,
            "The address 10.0.0.1 is also that of host 'a' on line 2.", "Give each host an address of its own.",
        ),
    ),
    "duplicate internal address": (
        "hosts:\n- {name: a, address: 1.1.1.1, internalAddress: 10.0.0.1}\n"
        "- {name: b, address: 1.1.1.1, port: 2222, internalAddress: 10.0.0.1}\n" + GROUPS + "  worker: [b]\n",
        (
            "error", "duplicate-internal-address", "hosts[1].internalAddress", 3, 60,
            "The internal address 10.0.0.1 is also that of host 'a' on line 2.",
            "Give each host an internal address of its own.",
        ),
    ),
    "empty control plane": (
        HOSTS + "roleGroups:\n  etcd: [a]\n  control-plane: []\n",
        (
            "error", "empty-control-plane", "roleGroups.control-plane", 5, 18,
            "The role group 'control-plane' is empty: nothing would run the cluster.",
            "Name one host, or three for high availability, under 'control-plane'.",
        ),
    ),
    "no etcd group": (
        HOSTS + "roleGroups:\n  control-plane: [a]\n",
        (
            "error", "empty-etcd", "roleGroups.etcd", 4, 3,
            "The role group 'etcd' is empty: the cluster would have nowhere to keep its state.",
            "Name one host, or three for high availability.",
        ),
    ),
    "even etcd": (
        HOSTS + "- {name: b, address: 10.0.0.2}\nroleGroups:\n  etcd: [a, b]\n  control-plane: [a]\n",
        (
            "warning", "even-etcd", "roleGroups.etcd", 5, 9,
            "etcd has 2 members; an even number survives no more failures than 1.", "Use 1 or 3 members.",
        ),
    ),
    "overlapping CIDRs": (
        HOSTS + GROUPS + "network:\n  kubePodsCIDR: 10.233.0.0/16\n  kubeServiceCIDR: 10.233.0.0/18\n",
        (
            "error", "cidr-overlap", "network.kubeServiceCIDR", 8, 20,
            "The pod network 10.233.0.0/16 and the service network 10.233.0.0/18 overlap.",
            "Choose networks apart from each other, such as 10.233.64.0/18 for pods and 10.233.0.0/18 for services.",
        ),
    ),
    "a host inside a CIDR": (
        HOSTS + GROUPS + "network:\n  kubePodsCIDR: 10.0.0.0/16\n",
        (
            "error", "cidr-overlap", "network.kubePodsCIDR", 7, 17,
            "The pod network 10.0.0.0/16 takes in the address of host 'a'.",
            "Choose a network that no host's address is in.",
        ),
    ),
    "a CIDR that is none": (
        HOSTS + GROUPS + "network: {kubePodsCIDR: 10.233.64.0}\n",
        (
            "error", "cidr", "network.kubePodsCIDR", 6, 25,
            "'10.233.64.0' is no network for pods.", "Write an address and a length, such as 10.233.64.0/18.",
        ),
    ),
    "a CIDR with host bits": (
        HOSTS + GROUPS + "network: {kubePodsCIDR: 10.233.64.9/18}\n",
        (
            "warning", "cidr", "network.kubePodsCIDR", 6, 25,
            "'10.233.64.9/18' has bits behind its length; it means 10.233.64.0/18.", "Write 10.233.64.0/18.",
        ),
    ),
    "a port out of range": (
        "hosts:\n- {name: a, address: 10.0.0.1, port: 70000}\n" + GROUPS,
        (
            "error", "port", "hosts[0].port", 2, 38,
            "70000 is no port (host 'a').", "Write a number from 1 to 65535; SSH's own is 22.",
        ),
    ),
    "a port that is no number": (
        "hosts:\n- {name: a, address: 10.0.0.1, port: ssh}\n" + GROUPS,
        ("error", "port", "hosts[0].port", 2, 38, "'ssh' is no port.", "Write a number from 1 to 65535."),
    ),
    "a control-plane port out of range": (
        HOSTS + GROUPS + "controlPlaneEndpoint:\n  port: 0\n",
        (
            "error", "port", "controlPlaneEndpoint.port", 7, 9,
            "0 is no port.", "Write a number from 1 to 65535; the API server's own is 6443.",
        ),
    ),
    "an unknown key of a host": (
        "hosts:\n- {name: a, address: 10.0.0.1, internalAdress: 10.0.0.1}\n" + GROUPS,
        (
            "warning", "unknown-key", "hosts[0].internalAdress", 2, 32,
            "Unknown key 'internalAdress' in host a.", "Did you mean 'internalAddress'?",
        ),
    ),
    "an unknown key of a section": (
        HOSTS + GROUPS + "network:\n  podsCIDR: 10.1.0.0/16\n",
        (
            "warning", "unknown-key", "network.podsCIDR", 7, 3,
            "Unknown key 'podsCIDR' in network.", "Did you mean 'kubePodsCIDR'?",
        ),
    ),
    "an unknown key at the top": (
        HOSTS + GROUPS + "xyzzy: 1\n",
        (
            "warning", "unknown-key", "xyzzy", 6, 1,
            "Unknown key 'xyzzy'.", "Remove it, or check its spelling; it is handed to kk as is.",
        ),
    ),
    "an unknown role group": (
        HOSTS + GROUPS + "  workers: [a]\n",
        (
            "warning", "unknown-role-group", "roleGroups.workers", 6, 3,
            "There is no role group 'workers'.", "Write 'worker'.",
        ),
    ),
    "a host without a role": (
        HOSTS + "- {name: b, address: 10.0.0.2}\n" + GROUPS,
        (
            "warning", "host-without-role", "hosts[1]", 3, 3,
            "Host 'b' is in no role group.", "Name it under 'worker', or remove the host.",
        ),
    ),
    "a member named twice": (
        HOSTS + GROUPS + "  worker: [a, a]\n",
        (
            "repair", "repeated-member", "roleGroups.worker[1]", 6, 15,
            "The role group 'worker' names 'a' twice; it was counted once.", "Name it once.",
        ),
    ),
    "a role group that is no list": (
        HOSTS + GROUPS + "  worker: a\n",
        (
            "repair", "not-a-list", "roleGroups.worker", 6, 11,
            "The role group 'worker' was read as a list of one.", "Write '- a' on a line below it.",
        ),
    ),
    "a range without a name": (
        HOSTS + GROUPS + "  worker:\n  - [1:3]\n",
        (
            "error", "type", "roleGroups.worker[0]", 7, 5,
            "An entry of the role group 'worker' is not a host name.",
            "Write a host's name or a range such as worker[1:3].",
        ),
    ),
    "an upper-case name": (
        "hosts:\n- {name: Node_1, address: 10.0.0.1}\nroleGroups: {etcd: [Node_1], master: [Node_1]}\n",
        (
            "error", "name", "hosts[0].name", 2, 10, "'Node_1' cannot be a host's name.",
            "Use lower-case letters, digits and '-', at most 63, beginning and ending with a letter or digit: node-1.",
        ),
    ),
    "no name": (
        HOSTS + "- address: 10.0.0.2\n" + GROUPS,
        ("error", "name", "hosts[1].name", 3, 3, "A host has no name.", "Write 'name: master1' in its entry."),
    ),
    "no address": (
        "hosts:\n- name: a\n" + GROUPS,
        (
            "error", "address", "hosts[0].address", 2, 3,
            "The address of host 'a' is missing.", "Write 'address: 10.0.0.1' in its entry.",
        ),
    ),
    "an address that is none": (
        "hosts:\n- {name: a, internalAddress: 192.168.1.300}\n" + GROUPS,
        (
            "error", "address", "hosts[0].internalAddress", 2, 30,
            "'192.168.1.300' is neither an IP address nor a domain name (host 'a').",
            "Write the address SSH reaches the host at, such as 10.0.0.1.",
        ),
    ),
    "a name as the internal address": (
        "hosts:\n- {name: a, address: a.example.com}\n" + GROUPS,
        (
            "error", "internal-address", "hosts[0].internalAddress", 2, 3,
            "The internal address 'a.example.com' of host 'a' is no IP address.",
            "Write an IP address of the host's own, or an IPv4 and an IPv6 address with a comma between.",
        ),
    ),
    "a user that begins with a dash": (
        'hosts:\n- {name: a, address: 10.0.0.1, user: "-oProxyCommand=x"}\n' + GROUPS,
        (
            "error", "user", "hosts[0].user", 2, 38,
            "'-oProxyCommand=x' cannot be a user's name (host 'a').", "Write the name of the user SSH logs in as.",
        ),
    ),
    "an architecture of another name": (
        "hosts:\n- {name: a, address: 10.0.0.1, arch: x86_64}\n" + GROUPS,
        (
            "repair", "arch", "hosts[0].arch", 2, 38,
            "The architecture 'x86_64' was read as amd64.", "Write arch: amd64.",
        ),
    ),
    "an architecture that is not supported": (
        "hosts:\n- {name: a, address: 10.0.0.1, arch: mips}\n" + GROUPS,
        (
            "error", "arch", "hosts[0].arch", 2, 38,
            "The architecture 'mips' of host 'a' is not known.", "Write arch: amd64 or arch: arm64.",
        ),
    ),
    "a label Kubernetes refuses": (
        "hosts:\n- {name: a, address: 10.0.0.1, labels: {disk: a b}}\n" + GROUPS,
        (
            "error", "label", "hosts[0].labels.disk", 2, 47,
            "The label 'disk: a b' of host 'a' is not one that Kubernetes takes.",
            "Use letters, digits, '-', '_' and '.', at most 63, beginning and ending with a letter or digit.",
        ),
    ),
    "a version without a v": (
        HOSTS + GROUPS + "kubernetes: {version: 1.24.3}\n",
        (
            "error", "version", "kubernetes.version", 6, 23,
            "'1.24.3' is no version of Kubernetes.", "Write it as v1.24.3.",
        ),
    ),
    "an unknown load balancer": (
        HOSTS + GROUPS + "controlPlaneEndpoint: {internalLoadbalancer: kubevip}\n",
        (
            "error", "load-balancer", "controlPlaneEndpoint.internalLoadbalancer", 6, 46,
            "There is no internal load balancer 'kubevip'.", "Did you mean 'kube-vip'?",
        ),
    ),
    "kube-vip without an address": (
        HOSTS + GROUPS + "controlPlaneEndpoint: {internalLoadbalancer: kube-vip}\n",
        (
            "error", "load-balancer", "controlPlaneEndpoint.address", 6, 23,
            "kube-vip needs a free address for the control plane.",
            "Write that address as the control-plane endpoint's address.",
        ),
    ),
    "a bad control-plane address": (
        HOSTS + GROUPS + "controlPlaneEndpoint: {address: 10.0.0.999}\n",
        (
            "error", "address", "controlPlaneEndpoint.address", 6, 33,
            "'10.0.0.999' is neither an address nor a domain name.", "Write one such as lb.kubesphere.local.",
        ),
    ),
    "an unknown container manager": (
        HOSTS + GROUPS + "kubernetes: {containerManager: containred}\n",
        (
            "warning", "unknown-value", "kubernetes.containerManager", 6, 32,
            "kubernetes.containerManager: 'containred' is not known.", "Did you mean 'containerd'?",
        ),
    ),
    "an empty setting": (
        HOSTS + GROUPS + 'registry: {privateRegistry: ""}\n',
        (
            "repair", "empty", "registry.privateRegistry", 6, 29,
            "registry.privateRegistry was empty; it was set to 'dockerhub.kubekey.local'.",
            "Write 'dockerhub.kubekey.local', or another value.",
        ),
    ),
    "a registry that is a command": (
        HOSTS + GROUPS + "registry: {privateRegistry: '$(id)'}\n",
        (
            "error", "form", "registry.privateRegistry", 6, 29,
            "registry.privateRegistry has a form that cannot be used.",
            "Write a name such as registry.example.org, with a port where it is not 443.",
        ),
    ),
    "a login of several lines": (
        HOSTS + GROUPS + 'registry: {auths: {dockerhub.kubekey.local: {username: "a\\nb"}}}\n',
        (
            "error", "control-character", "registry.auths.dockerhub.kubekey.local.username", 6, 56,
            "registry.auths.dockerhub.kubekey.local.username holds control characters.",
            "Write one line, without tabs.",
        ),
    ),
    "a name that no cluster can have": (
        "metadata: {name: My Cluster}\nspec:\n  hosts: [{name: a, address: 10.0.0.1}]\n"
        "  roleGroups: {etcd: [a], master: [a]}\n",
        (
            "warning", "name", "metadata.name", 1, 18,
            "'My Cluster' cannot be a cluster's name here.", "Give a name of lower-case letters, digits and '-'.",
        ),
    ),
    "a secret that has no safe place": (
        HOSTS + GROUPS + "registry: {auths: {other.example.com: {username: u, password: hunter2}}}\n",
        (
            "warning", "secret-dropped", "registry.auths.other.example.com.password", 6, 53,
            "'registry.auths.other.example.com.password' was not taken over: only the hosts' and the private "
            "registry's logins are kept.",
            "Use the private registry, or a source that needs no login.",
        ),
    ),
    "hosts that are no list": (
        "hosts: {a: {address: 10.0.0.1}}\n",
        (
            "error", "type", "hosts", 1, 8, "'hosts' must be a list.",
            "Write 'hosts:' and below it lines such as '- {name: master1, address: 10.0.0.1, user: root}'.",
        ),
    ),
    "a host that is a word": (
        "hosts: [a]\n" + GROUPS,
        (
            "error", "type", "hosts[0]", 1, 9, "A host must be a mapping of keys.",
            "Write 'hosts:' and below it lines such as '- {name: master1, address: 10.0.0.1, user: root}'.",
        ),
    ),
    "no hosts": (
        "kind: Cluster\nspec:\n  " + GROUPS.replace("\n", "\n  "),
        (
            "error", "no-hosts", "", 1, 1, "There are no hosts.",
            "Write 'hosts:' and below it lines such as '- {name: master1, address: 10.0.0.1, user: root}'.",
        ),
    ),
    "a name that is a list": (
        "hosts:\n- {name: [a], address: 10.0.0.1}\n" + GROUPS,
        ("error", "type", "hosts[0].name", 2, 10, "'hosts[0].name' must be text.", "Write a single value."),
    ),
    "labels that are no mapping": (
        "hosts:\n- {name: a, address: 10.0.0.1, labels: gpu}\n" + GROUPS,
        ("error", "type", "hosts[0].labels", 2, 40, "'labels' must be a mapping of keys.", "Write 'key: value' lines."),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES.keys())
def test_the_finding_names_place_fault_and_fix(text: str, expected: Case) -> None:
    parsed = parse(text)
    assert Finding(*expected) in parsed.findings  # type: ignore[arg-type]
    assert (parsed.inventory is None) == any(finding.level == "error" for finding in parsed.findings)
