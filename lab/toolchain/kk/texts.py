"""The texts of files that kk and kubeadm write on hosts."""

from __future__ import annotations

import json

from lab.toolchain.common import daemon
from lab.toolchain.kk.config import Config, Host

BEGIN, END = "# kubekey hosts BEGIN", "# kubekey hosts END"
KUBELET_VERSION_FILE = "/etc/kubernetes/lab-version"
INIT_OS = """#!/usr/bin/env bash
# SIMULATED initOS.sh: a lab host's kernel is that of its machine, so kernel settings are written and not loaded.
grep -q '^net.ipv4.ip_forward' /etc/sysctl.conf 2>/dev/null || cat >>/etc/sysctl.conf <<SETTINGS
net.ipv4.ip_forward = 1
net.bridge.bridge-nf-call-iptables = 1
net.bridge.bridge-nf-call-ip6tables = 1
vm.max_map_count = 262144
vm.swappiness = 0
fs.inotify.max_user_instances = 524288
SETTINGS
[ ! -f /etc/fstab ] || sed -i -E '/ swap /s/^/#/' /etc/fstab
# Written over, not renamed: /etc/hosts may be a mount of its own.
sed '/^# kubekey hosts BEGIN/,/^# kubekey hosts END/d' /etc/hosts >/etc/hosts.kk
cat /etc/hosts.kk - >/etc/hosts.new <<HOSTS
@HOSTS@
HOSTS
cat /etc/hosts.new >/etc/hosts
rm -f /etc/hosts.kk /etc/hosts.new
"""

# For hosts without systemd: a unit is a program of /etc/lab/boot.d.
SYSTEMCTL = f"""#!/bin/sh
# SIMULATED systemctl: start, restart, stop, disable and is-active do something
verb= units=
for word; do
  case $word in
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$word; else units="$units ${{word%.service}}"; fi ;;
  esac
done
running() {{ {daemon.running_test("$1")}; }}
for unit in $units; do
  case $verb in is-active) running "$unit" || exit 3 ;; esac
  case $verb in stop | disable | restart) {daemon.stop_command("$unit")} ;; esac
  case $verb in
    disable) rm -f {daemon.BOOT}/$unit ;;
    start | restart)
      # containerd and docker have no program here.
      if [ -x {daemon.BOOT}/$unit ]; then {daemon.start_command("$unit")}
      elif [ "$verb" = start ]; then echo "Unit $unit.service not found." >&2; exit 5
      fi ;;
  esac
done
"""


def hosts_block(config: Config) -> str:
    """The part of /etc/hosts that kk keeps."""
    domain = config.cluster_domain
    lines = [f"{host.internal}  {host.name}.{domain} {host.name}" for host in config.hosts]
    registry = config.group("registry")
    if registry:
        lines.append(f"{registry[0].internal}  {config.registry}")
    lines.append(f"{config.endpoint_address or config.first.internal}  {config.endpoint_domain}")
    return "\n".join([BEGIN, *lines, END])


def init_os(config: Config) -> str:
    return INIT_OS.replace("@HOSTS@", hosts_block(config))


def shell_stub(name: str, version: str) -> str:
    return f'#!/bin/sh\n# SIMULATED {name}\necho "SIMULATED {name} {version}"\n'


def unit(name: str, command: str) -> str:
    return (
        f"[Unit]\nDescription={name} (SIMULATED)\nAfter=network-online.target\n\n[Service]\nExecStart={command}\n"
        "Restart=always\nRestartSec=10\n\n[Install]\nWantedBy=multi-user.target\n"
    )


def containerd(config: Config) -> str:
    login = ""
    if config.registry_login:
        login = (
            f'  [plugins."io.containerd.grpc.v1.cri".registry.configs."{config.registry}".auth]\n'
            f"    username = {json.dumps(config.registry_user)}\n"
            f"    password = {json.dumps(config.registry_password)}\n"
        )
    return f"""version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{config.image_root}/pause:3.7"
  [plugins."io.containerd.grpc.v1.cri".registry.configs."{config.registry}".tls]
    ca_file = "/etc/docker/certs.d/{config.registry}/ca.crt"
{login}"""


CRICTL = """runtime-endpoint: unix:///run/containerd/containerd.sock
image-endpoint: unix:///run/containerd/containerd.sock
timeout: 5
debug: false
"""


def etcd_env(config: Config, host: Host) -> str:
    members = config.group("etcd")
    cluster = ",".join(f"etcd-{member.name}=https://{member.internal}:2380" for member in members)
    pem = "/etc/ssl/etcd/ssl"
    return f"""# Environment file for etcd v3.4.13 (SIMULATED)
ETCD_DATA_DIR=/var/lib/etcd
ETCD_ADVERTISE_CLIENT_URLS=https://{host.internal}:2379
ETCD_INITIAL_ADVERTISE_PEER_URLS=https://{host.internal}:2380
ETCD_INITIAL_CLUSTER_STATE=existing
ETCD_LISTEN_CLIENT_URLS=https://{host.internal}:2379,https://127.0.0.1:2379
ETCD_LISTEN_PEER_URLS=https://{host.internal}:2380
ETCD_INITIAL_CLUSTER_TOKEN=k8s_etcd
ETCD_NAME=etcd-{host.name}
ETCD_INITIAL_CLUSTER={cluster}
ETCD_TRUSTED_CA_FILE={pem}/ca.pem
ETCD_CERT_FILE={pem}/member-{host.name}.pem
ETCD_KEY_FILE={pem}/member-{host.name}-key.pem
"""


def kubeadm(config: Config) -> str:
    return f"""apiVersion: kubeadm.k8s.io/v1beta3
kind: ClusterConfiguration
clusterName: {config.cluster_domain}
kubernetesVersion: {config.version}
controlPlaneEndpoint: {config.endpoint_domain}:{config.endpoint_port}
imageRepository: {config.image_root}
networking:
  dnsDomain: {config.cluster_domain}
  podSubnet: {config.pod_cidr}
  serviceSubnet: {config.service_cidr}
"""


def kubelet(config: Config) -> str:
    return f"""apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
clusterDNS: [169.254.25.10]
clusterDomain: {config.cluster_domain}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
maxPods: 110
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
"""


def static_pod(config: Config, name: str, command: str) -> str:
    return f"""apiVersion: v1
kind: Pod
metadata:
  name: {name}
  namespace: kube-system
  labels: {{component: {name}, tier: control-plane}}
spec:
  hostNetwork: true
  priorityClassName: system-node-critical
  containers:
  - name: {name}
    image: {config.image_root}/{name}:{config.version}
    command: [{command}]
"""


CNI = """{
  "name": "k8s-pod-network",
  "cniVersion": "0.3.1",
  "plugins": [
    {"type": "calico", "log_level": "info", "datastore_type": "kubernetes", "nodename": "@NODE@", "mtu": 0,
     "ipam": {"type": "calico-ipam"}, "policy": {"type": "k8s"},
     "kubernetes": {"kubeconfig": "/etc/cni/net.d/calico-kubeconfig"}},
    {"type": "portmap", "snat": true, "capabilities": {"portMappings": true}},
    {"type": "bandwidth", "capabilities": {"bandwidth": true}}
  ]
}
"""
INIT_OUTPUT = """W1124 SIMULATED kubeadm init --config=/etc/kubernetes/kubeadm-config.yaml
[init] Using Kubernetes version: {version}
[preflight] Running pre-flight checks
[preflight] Pulling images required for setting up a Kubernetes cluster
[certs] Using certificateDir folder "/etc/kubernetes/pki"
[certs] Generating "ca" certificate and key
[certs] Generating "apiserver" certificate and key
[certs] External etcd mode: Skipping etcd/ca certificate authority generation
[kubeconfig] Using kubeconfig folder "/etc/kubernetes"
[kubelet-start] Starting the kubelet
[control-plane] Using manifest folder "/etc/kubernetes/manifests"
[apiclient] All control plane components are healthy
[addons] Applied essential addon: CoreDNS
[addons] Applied essential addon: kube-proxy

Your Kubernetes control-plane has initialized successfully!"""
JOIN_OUTPUT = """SIMULATED kubeadm join --config=/etc/kubernetes/kubeadm-config.yaml
[preflight] Running pre-flight checks
[kubelet-start] Writing kubelet configuration to file "/var/lib/kubelet/config.yaml"
[kubelet-start] Starting the kubelet
[kubelet-start] Waiting for the kubelet to perform the TLS Bootstrap...

This node has joined the cluster:
* Certificate signing request was sent to apiserver and a response was received.
* The Kubelet was informed of the new secure connection details."""
