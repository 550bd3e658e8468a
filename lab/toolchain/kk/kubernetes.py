"""The modules of Kubernetes itself: binaries, the first control-plane host, the nodes that join, what runs inside."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.toolchain import programs
from lab.toolchain.common import pki
from lab.toolchain.common.client import ApiFailure, Client, Unreachable, kubeconfig, path_of
from lab.toolchain.common.objects import Obj, condition_true
from lab.toolchain.kk import system, texts, work
from lab.toolchain.kk.config import Config, Host
from lab.toolchain.kk.pipeline import Machine, Module, Skip, Task
from lab.toolchain.kk.remote import File, RemoteFailed
from lab.toolchain.kk.work import Job

PKI = "/etc/kubernetes/pki"
JOIN_SECONDS = 30.0
COPY_CONFIG = "umask 077; mkdir -p /root/.kube && cp /etc/kubernetes/admin.conf /root/.kube/config"
MASTER_LABELS = {"node-role.kubernetes.io/control-plane": "", "node-role.kubernetes.io/master": ""}
WORKER_LABELS = {"node-role.kubernetes.io/worker": ""}
MASTER_TAINT = {"key": "node-role.kubernetes.io/master", "effect": "NoSchedule"}


def exists(job: Job) -> bool:
    """Whether the cluster's API answers with the administrator's kubeconfig of this host."""
    if not work.ADMIN_CONF.is_file():
        return False
    try:
        job.client().get("/version")
    except (Unreachable, ApiFailure, ValueError, OSError):
        return False
    return True


def status(job: Job) -> Module:
    def look(_machine: Machine) -> str:
        if not exists(job):
            raise Skip
        return f"{job.client().get('/version')['gitVersion']} cluster {job.config.name} answers"

    return Module("KubernetesStatusModule", [Task("Get kubernetes cluster status", look, job.config.masters[:1])])


# -- binaries -------------------------------------------------------------------------------------------------


def binaries(job: Job, hosts: Sequence[Host]) -> Module:
    def sync(machine: Machine) -> None:
        master = machine.host in job.config.masters
        stubs = ["kubeadm", *(["kube-controller-manager", "kube-scheduler"] if master else [])]
        files = {
            f"/usr/local/bin/{name}": File.text(texts.shell_stub(name, job.config.version), 0o755) for name in stubs
        }
        machine.ssh.put({**files, **work.toolchain_files("kubelet")})
        if master:
            _kubectl(machine)
        links = ("kubelet", *(("helm", "kube-apiserver", "kube-apiserver-relay") if master else ()))
        machine.ssh.run(f"{work.link_script(*links)}; mkdir -p /opt/cni/bin /etc/kubernetes/manifests /var/lib/kubelet")

    def unit(machine: Machine) -> None:
        text = texts.unit("kubelet", "/usr/local/bin/kubelet --kubeconfig=/etc/kubernetes/kubelet.conf")
        machine.ssh.put({"/etc/systemd/system/kubelet.service": File.text(text)})

    return Module(
        "InstallKubeBinariesModule",
        [
            Task("Synchronize kubernetes binaries", sync, hosts, 0.4),
            Task("Synchronize kubelet", None, hosts),
            Task("Generate kubelet service", unit, hosts),
            Task("Enable kubelet service", None, hosts),
            Task("Generate kubelet env", None, hosts),
        ],
    )


def _kubectl(machine: Machine) -> None:
    """The real kubectl of the artifact, where the host has none of that size."""
    path = programs.beside("kubectl")
    if path.is_file():
        size = path.stat().st_size
        if not machine.ssh.ok(f'test "$(stat -c %s /usr/local/bin/kubectl)" = {size}'):
            machine.ssh.put({"/usr/local/bin/kubectl": File(path.read_bytes(), 0o755)})


# -- the first control-plane host -----------------------------------------------------------------------------


def init(job: Job) -> Module:
    first = job.config.masters[:1]

    def settings(machine: Machine) -> None:
        if exists(job):
            raise Skip
        machine.ssh.put({"/etc/kubernetes/kubeadm-config.yaml": File.text(texts.kubeadm(job.config))})

    def initialise(machine: Machine) -> str:
        if exists(job):
            raise Skip
        machine.ssh.run(work.stop_script("kube-apiserver"))
        machine.ssh.put(control_plane_files(job, machine))
        start_api(machine, job.config)
        client = _await_api(job)
        system.apply(client, [_cluster_settings(job.config), *system.proxy(job.config)])
        join_node(job, machine)
        return texts.INIT_OUTPUT.format(version=job.config.version)

    def copy(machine: Machine) -> None:
        machine.ssh.run(COPY_CONFIG)

    return Module(
        "InitKubernetesModule",
        [
            Task("Generate kubeadm config", settings, first),
            Task("Generate audit policy", None, first),
            Task("Init cluster using kubeadm", initialise, first, 1.0),
            Task("Copy admin.conf to ~/.kube/config", copy, first),
            Task("Remove master taint", lambda machine: _roles(job, machine), first),
            Task("Generate kubeadm join command", None, first),
        ],
    )


def control_plane_files(job: Job, machine: Machine, days: int = pki.LEAF_DAYS) -> dict[str, File]:
    """Certificates, kubeconfigs and manifests of a control-plane host; the authority is kept over calls."""
    config = job.config
    local = _authority(job, machine)
    ca = (local / "ca.crt", local / "ca.key")
    names = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "localhost", "127.0.0.1", "10.233.0.1"]
    names += [f"kubernetes.default.svc.{config.cluster_domain}", config.endpoint_domain]
    names += [part for host in config.hosts for part in (host.name, host.internal, host.address)]
    names += [config.endpoint_address] if config.endpoint_address else []
    files: dict[str, File] = {}
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)

        def made(stem: str, name: str, organisation: str = "", hosts: Sequence[str] = ()) -> tuple[bytes, bytes]:
            pair = (here / f"{stem}.crt", here / f"{stem}.key")
            signer = (
                (local / "front-proxy-ca.crt", local / "front-proxy-ca.key") if stem == "front-proxy-client" else ca
            )
            pki.leaf(*pair, signer, name, organisation=organisation, hosts=dict.fromkeys(hosts), days=days)
            return pair[0].read_bytes(), pair[1].read_bytes()

        for stem, name, organisation, hosts in (
            ("apiserver", "kube-apiserver", "", names),
            ("apiserver-kubelet-client", "kube-apiserver-kubelet-client", "system:masters", []),
            ("front-proxy-client", "front-proxy-client", "", []),
        ):
            crt, key = made(stem, name, organisation, hosts)
            files[f"{PKI}/{stem}.crt"], files[f"{PKI}/{stem}.key"] = File(crt), File(key, 0o600)
        server = f"https://{config.endpoint_domain}:{config.endpoint_port}"
        authority = ca[0].read_text()
        for stem, name, organisation in (
            ("admin", "kubernetes-admin", "system:masters"),
            ("controller-manager", "system:kube-controller-manager", "system:masters"),
            ("scheduler", "system:kube-scheduler", "system:masters"),
        ):
            crt, key = made(stem, name, organisation)
            text = kubeconfig(server, authority, crt.decode(), key.decode(), name)
            files[f"/etc/kubernetes/{stem}.conf"] = File.text(text, 0o600)
    for name in ("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "sa.key", "sa.pub"):
        files[f"{PKI}/{name}"] = File((local / name).read_bytes(), 0o600 if name.endswith(".key") else 0o644)
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        files[f"/etc/kubernetes/manifests/{name}.yaml"] = File.text(texts.static_pod(config, name, name), 0o600)
    return files


def _authority(job: Job, machine: Machine) -> Path:
    """The cluster's authority in kk's own directory: fetched from the host where a cluster is, made else."""
    local = job.pki / "kubernetes"
    local.mkdir(parents=True, exist_ok=True)
    ca = (local / "ca.crt", local / "ca.key")
    if not all(path.is_file() for path in ca):
        kept = [machine.ssh.run(f"cat {PKI}/{path.name} 2>/dev/null || :") for path in ca]
        if all("-----END" in text for text in kept):
            for path, text in zip(ca, kept, strict=True):
                path.write_text(f"{text}\n")
    pki.authority(*ca, "kubernetes")
    pki.authority(local / "front-proxy-ca.crt", local / "front-proxy-ca.key", "front-proxy-ca")
    pki.key_pair(local / "sa.key", local / "sa.pub")
    return local


def api_name(config: Config, host: Host) -> str:
    """The daemon behind port 6443: the API server itself on the first control-plane host, a relay on others."""
    return "kube-apiserver" if host.name == config.first.name else "kube-apiserver-relay"


def start_api(machine: Machine, config: Config) -> None:
    """Start what answers on the control-plane host's API port, unless it runs."""
    name = api_name(config, machine.host)
    command = f"{name} --to={config.first.internal}"
    if name == "kube-apiserver":
        command = (
            f"{name} --secure-port={config.endpoint_port} --data-dir=/var/lib/etcd/member "
            f"--tls-cert-file={PKI}/apiserver.crt --tls-private-key-file={PKI}/apiserver.key "
            f"--client-ca-file={PKI}/ca.crt --registry={config.registry} --kubernetes-version={config.version}"
        )
    machine.ssh.put(work.daemon_files(name, command))
    work.start(machine, name, config.endpoint_port)


def wait_until(true: Callable[[], bool], late: Callable[[], RemoteFailed]) -> None:
    """Raises what `late` makes after `JOIN_SECONDS`."""
    deadline = time.monotonic() + JOIN_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise late()
        time.sleep(0.05)


def _await_api(job: Job) -> Client:
    wait_until(
        lambda: exists(job),
        lambda: RemoteFailed("[kubelet-check] The API server does not answer: timed out waiting for the condition"),
    )
    return job.client()


def _cluster_settings(config: Config) -> Obj:
    metadata = {"name": "kubeadm-config", "namespace": "kube-system"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"ClusterConfiguration": texts.kubeadm(config)},
    }


# -- nodes ----------------------------------------------------------------------------------------------------


def join_node(job: Job, machine: Machine) -> None:
    """Write a node's kubelet files, start it, and wait for its Node object. Raises `RemoteFailed`."""
    config, host = job.config, machine.host
    first = job.pipeline.machine(config.first)
    local = _authority(job, first)
    ca = (local / "ca.crt", local / "ca.key")
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)
        client, server = (here / "c.crt", here / "c.key"), (here / "s.crt", here / "s.key")
        pki.leaf(*client, ca, f"system:node:{host.name}", organisation="system:nodes")
        pki.leaf(*server, ca, f"{host.name}-ca", hosts=dict.fromkeys([host.name, host.internal]))
        url = f"https://{config.endpoint_domain}:{config.endpoint_port}"
        conf = kubeconfig(
            url, ca[0].read_text(), client[0].read_text(), client[1].read_text(), f"system:node:{host.name}"
        )
        files = {
            "/etc/kubernetes/kubelet.conf": File.text(conf, 0o600),
            "/etc/kubernetes/pki/ca.crt": File(ca[0].read_bytes()),
            "/var/lib/kubelet/config.yaml": File.text(texts.kubelet(config)),
            "/var/lib/kubelet/pki/kubelet.crt": File(server[0].read_bytes()),
            "/var/lib/kubelet/pki/kubelet.key": File(server[1].read_bytes(), 0o600),
        }
    machine.ssh.put({**files, **work.daemon_files("kubelet", kubelet_command(config, host))})
    work.start(machine, "kubelet", 10250)
    api = job.client()

    def ready() -> bool:
        node = api.find(path_of("", "v1", "nodes", name=host.name))
        return node is not None and condition_true(node, "Ready")

    wait_until(
        ready, lambda: RemoteFailed(f"timed out waiting for the node {host.name}: see /var/log/kubelet.log there")
    )


def kubelet_command(config: Config, host: Host) -> str:
    labels = ",".join(f"{key}={value}" for key, value in host.labels.items())
    return (
        f"kubelet --hostname-override={host.name} --node-ip={host.internal} --kubernetes-version={config.version} "
        "--tls-cert-file=/var/lib/kubelet/pki/kubelet.crt --tls-private-key-file=/var/lib/kubelet/pki/kubelet.key"
        + (f" --node-labels={labels}" if labels else "")
    )


def _roles(job: Job, machine: Machine) -> None:
    """Role labels, and the taint of a control-plane host that is no worker."""
    config, host = job.config, machine.host
    master, worker = host in config.masters, host in config.group("worker")
    labels = {**(MASTER_LABELS if master else {}), **(WORKER_LABELS if worker else {})}
    taints = [MASTER_TAINT] if master and not worker else []
    path = path_of("", "v1", "nodes", name=host.name)
    job.client().patch(path, {"metadata": {"labels": labels}, "spec": {"taints": taints} if taints else {}})


def join(job: Job, hosts: Sequence[Host]) -> Module:
    def joined(machine: Machine) -> bool:
        found = job.client().find(path_of("", "v1", "nodes", name=machine.name))
        return found is not None and machine.ssh.ok("test -s /etc/kubernetes/kubelet.conf")

    def master(machine: Machine) -> str:
        if joined(machine):
            raise Skip
        machine.ssh.put(control_plane_files(job, machine))
        start_api(machine, job.config)
        machine.ssh.run(COPY_CONFIG)
        join_node(job, machine)
        return texts.JOIN_OUTPUT

    def worker(machine: Machine) -> str:
        if joined(machine):
            raise Skip
        join_node(job, machine)
        return texts.JOIN_OUTPUT

    masters = [host for host in hosts if host in job.config.masters]
    workers = [host for host in hosts if host not in masters]
    return Module(
        "JoinNodesModule",
        [
            Task("Generate kubeadm config", None, hosts),
            Task("Join control-plane node", master, masters, 0.6, sequential=True),
            Task("Join worker node", worker, workers, 0.8),
            Task("Add worker label", lambda machine: _roles(job, machine), hosts),
        ],
    )


# -- what runs inside -----------------------------------------------------------------------------------------


def dns(job: Job) -> Module:
    first = job.config.masters[:1]
    return Module(
        "ClusterDNSModule",
        [
            Task("Generate coredns service", None, first),
            Task(
                "Override coredns service", lambda _machine: system.apply(job.client(), system.dns(job.config)), first
            ),
            Task("Deploy nodelocaldns", None, first, 0.1),
        ],
    )


def _network_settings(hosts: Sequence[Host]) -> Task:
    def configure(machine: Machine) -> None:
        text = texts.CNI.replace("@NODE@", machine.name)
        machine.ssh.put({"/etc/cni/net.d/10-calico.conflist": File.text(text, 0o600)})

    return Task("Generate calico", configure, hosts)


def network_files(_job: Job, hosts: Sequence[Host]) -> Module:
    """The pod network's files of nodes that joined later; its pods come by themselves."""
    return Module("DeployNetworkPluginModule", [_network_settings(hosts)])


def network(job: Job, hosts: Sequence[Host]) -> Module:
    first = job.config.masters[:1]
    return Module(
        "DeployNetworkPluginModule",
        [
            _network_settings(hosts),
            Task("Deploy calico", lambda _machine: system.apply(job.client(), system.network(job.config)), first, 0.4),
        ],
    )


def finish(job: Job, hosts: Sequence[Host]) -> list[Module]:
    first = job.config.masters[:1]

    def save(_machine: Machine) -> None:
        metadata = {"name": "kubekey-config", "namespace": "kube-system"}
        data = {"kubeconfig": work.ADMIN_CONF.name, "cluster": job.config.name, "version": job.config.version}
        system.apply(job.client(), [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}])

    renew = {"/usr/local/bin/kube-scripts/k8s-certs-renew.sh": File.text(texts.shell_stub("renew", "v1"), 0o755)}
    return [
        Module("ConfigureKubernetesModule", [Task("Configure kubernetes", None, hosts, 0.1)]),
        Module("ChownModule", [Task("Chown user $HOME/.kube dir", None, hosts)]),
        Module(
            "AutoRenewCertsModule",
            [
                Task("Generate k8s certs renew script", lambda m: m.ssh.put(renew), job.config.masters),
                Task("Enable k8s certs renew service", None, job.config.masters),
            ],
        ),
        Module("SaveKubeConfigModule", [Task("Save kube config as a configmap", save, first)]),
        Module(
            "DeployStorageClassModule",
            [
                Task("Generate OpenEBS manifest", None, first),
                Task(
                    "Deploy OpenEBS as cluster default StorageClass",
                    lambda _machine: system.apply(job.client(), system.storage(job.config)),
                    first,
                    0.2,
                ),
            ],
        ),
    ]
