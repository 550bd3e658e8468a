#!/bin/sh
# reboot, poweroff, halt and shutdown of a lab host. SIMULATED: it asks process 1 of the host's pid namespace.
# shutdown understands -r, -h, -P, -H, a time (now, +MINUTES) and a message.
action=off
after=0
case "$(basename "$0")" in
reboot) action=reboot ;;
shutdown)
    after=60
    for word in "$@"; do
        case "$word" in
        -r | --reboot) action=reboot ;;
        now) after=0 ;;
        +*) after=$((${word#+} * 60)) ;;
        esac
    done
    ;;
esac
if ! tr '\0' ' ' </proc/1/cmdline | grep -q /usr/lib/lab/init; then
    echo "$0: process 1 is not that of a lab host" >&2
    exit 1
fi
if [ "$action" = reboot ]; then signal=USR2; else signal=USR1; fi
if [ "$after" = 0 ]; then
    exec kill -s "$signal" 1
fi
setsid sh -c "sleep $after; kill -s $signal 1" >/dev/null 2>&1 </dev/null &
