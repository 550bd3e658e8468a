#!/bin/sh
# SIMULATED lspci: a host bridge, and as many GPUs as /etc/lab/gpus says (a number; none without the file).
# Understands -n, -nn and -d VENDOR:[DEVICE]; takes and ignores -v, -k, -D, -m.
numbers=no
vendor=
while [ $# -gt 0 ]; do
    case "$1" in
    -d)
        shift
        vendor=${1%%:*}
        ;;
    -d*)
        vendor=${1#-d}
        vendor=${vendor%%:*}
        ;;
    -n) numbers=only ;;
    -nn | -nnk | -knn | -Dnn | -Dnnk | -vnn) numbers=both ;;
    esac
    shift
done
show() { # slot, class, class id, device, vendor id, device id
    [ -z "$vendor" ] || [ "$vendor" = "$5" ] || return 0
    case "$numbers" in
    no) echo "$1 $2: $4 (rev a1)" ;;
    both) echo "$1 $2 [$3]: $4 [$5:$6] (rev a1)" ;;
    only) echo "$1 $3: $5:$6 (rev a1)" ;;
    esac
}
show 00:00.0 "Host bridge" 0600 "SIMULATED PCI host bridge" 1b36 0008
gpus=0
if [ -r /etc/lab/gpus ]; then read -r gpus </etc/lab/gpus; fi
index=0
while [ "$index" -lt "${gpus:-0}" ]; do
    show "$(printf '%02x:00.0' $((index + 23)))" "3D controller" 0302 \
        "NVIDIA Corporation GA100 [A100 SXM4 80GB] (SIMULATED)" 10de 20b2
    index=$((index + 1))
done
