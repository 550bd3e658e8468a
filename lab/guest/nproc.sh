#!/bin/sh
# SIMULATED nproc: counts the processors of /proc/cpuinfo, which the lab sets, not those of the machine.
count=$(grep -c '^processor' /proc/cpuinfo)
for word in "$@"; do
    case "$word" in
    --ignore=*) count=$((count - ${word#--ignore=})) ;;
    esac
done
if [ "$count" -lt 1 ]; then count=1; fi
echo "$count"
