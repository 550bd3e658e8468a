# What a host is, as lines `key=value`; a key may repeat. Changes nothing, ends in seconds.
# Needs PEERS: lines "name address port". Every tool may be missing: then its lines are.
say() { printf '%s=%s\n' "$1" "$2"; }
have() { command -v "$1" >/dev/null 2>&1; }

say user "$(id -un)"
say uid "$(id -u)"
say hostname "$(hostname 2>/dev/null || uname -n)"
say kernel "$(uname -r)"
say machine "$(uname -m)"
if [ -r /etc/os-release ]; then
  (. /etc/os-release; say os_id "${ID:-}"; say os_like "${ID_LIKE:-}"; say os_version "${VERSION_ID:-}"
   say os_name "${PRETTY_NAME:-}")
fi
say cpus "$(nproc 2>/dev/null || grep -c '^processor' /proc/cpuinfo)"
while read -r name value unit; do
  case $name in
    MemTotal:) say memory_kib "$value" ;;
    SwapTotal:) say swap_kib "$value" ;;
  esac
done </proc/meminfo
[ ! -r /etc/machine-id ] || say machine_id "$(cat /etc/machine-id)"
[ ! -r /proc/sys/kernel/random/boot_id ] || say boot_id "$(cat /proc/sys/kernel/random/boot_id)"

for path in /sys/class/net/*; do
  [ -r "$path/address" ] || continue
  # Bridges, tunnels and the like have no device below them and may share an address; virtual pairs of a lab do not.
  case ${path##*/} in lo | docker* | cni* | cali* | tunl* | vxlan* | kube* | nodelocaldns | br-* | virbr*) continue ;; esac
  say mac "${path##*/} $(cat "$path/address")"
done

for tool in setsid curl python3 openssl dpkg tar gzip sudo lspci docker containerd; do
  if have "$tool"; then say tool "$tool"; fi
done
if have lspci; then
  lspci -nn 2>/dev/null | while IFS= read -r line; do
    case $line in
      *'[0300]'*'[10de:'* | *'[0302]'*'[10de:'*) say gpu "$line" ;;
      *'[0207]'*) say infiniband "$line" ;;
    esac
  done
fi
# A driver in a container of the GPU operator also loads the module; its root is then mounted here.
if [ ! -e /run/nvidia/driver/usr ]; then
  if [ -r /proc/driver/nvidia/version ]; then
    say gpu_driver "$(sed -n 's/^NVRM version: *//p' /proc/driver/nvidia/version)"
  elif have modinfo && version=$(modinfo -F version nvidia 2>/dev/null) && [ -n "$version" ]; then
    say gpu_driver "$version"
  fi
fi

if have lsblk; then
  lsblk -b -n -P -o NAME,KNAME,PATH,TYPE,SIZE,ROTA,RO,RM,FSTYPE,PTTYPE,MOUNTPOINT,PKNAME,SERIAL,WWN,MODEL 2>/dev/null |
    while IFS= read -r line; do say disk "$line"; done
fi
for link in /dev/disk/by-id/*; do
  [ -e "$link" ] && say by_id "$(readlink -f "$link") $link"
done

df -P -k / /var /var/lib /root /tmp 2>/dev/null | while read -r _ _ _ free _ mounted; do
  case $free in *[!0-9]* | '') continue ;; esac
  say free "$free $mounted"
done

port_users() {
  if have ss; then ss -H -l -t -n -p 2>/dev/null | while read -r _ _ _ at _ who; do
    who=${who#*\(\(\"}; printf '%s %s\n' "${at##*:}" "${who%%\"*}"
  done; else
    cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | while read -r _ at _ state _; do
      [ "$state" = 0A ] && printf '%d -\n' "0x${at##*:}"
    done
  fi
}
port_users | sort -u | while read -r port who; do say listen "$port $who"; done

residue() { say residue "$1 $2"; }
filled() { [ -d "$1" ] && [ -n "$(ls -A "$1" 2>/dev/null)" ]; }
for path in /var/lib/etcd /etc/kubernetes/manifests /etc/kubernetes/pki /etc/ssl/etcd/ssl /var/lib/cni; do
  if filled "$path"; then residue files "$path"; fi
done
for path in /etc/kubernetes/admin.conf /etc/kubernetes/kubelet.conf /var/lib/kubelet/config.yaml /etc/etcd.env; do
  if [ -e "$path" ]; then residue files "$path"; fi
done
for path in /etc/cni/net.d/*; do
  case ${path##*/} in '*' | *.lock | .*) ;; *) [ -e "$path" ] && residue cni "$path" ;; esac
done
if have iptables-save; then
  count=$(iptables-save 2>/dev/null | grep -c -E '^:(KUBE-|cali-)')
  [ "${count:-0}" -eq 0 ] || residue iptables "$count chains of kube-proxy or calico"
fi
while read -r _ mounted _; do
  case $mounted in /var/lib/kubelet/* | /run/containerd/io.containerd.runtime*) residue mount "$mounted" ;; esac
done </proc/mounts 2>/dev/null
for path in /sys/class/net/*; do
  case ${path##*/} in cni0 | flannel.1 | tunl0 | vxlan.calico | kube-ipvs0 | cali*)
    [ "${path##*/}" = tunl0 ] && [ "$(cat "$path/operstate" 2>/dev/null)" = down ] && continue
    residue interface "${path##*/}" ;;
  esac
done
[ ! -r /var/lib/sanqian/cluster ] || say owner "$(cat /var/lib/sanqian/cluster)"

open_port() {
  if have bash && have timeout; then timeout 3 bash -c ': </dev/tcp/"$0"/"$1"' "$1" "$2" 2>/dev/null
  elif have python3; then
    python3 -c 'import socket,sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 3)' "$1" "$2" 2>/dev/null
  elif have nc; then nc -z -w 3 "$1" "$2" 2>/dev/null
  elif have ping; then ping -c 1 -W 3 "$1" >/dev/null 2>&1
  else return 2
  fi
}
printf '%s\n' "${PEERS:-}" | {
  while read -r name address port; do
    [ -n "$name" ] || continue
    {
      open_port "$address" "$port"
      case $? in
        0) say reach "$name yes" ;;
        2) say reach "$name unknown" ;;
        *) say reach "$name no" ;;
      esac
    } &
  done
  wait
}
say end 1
