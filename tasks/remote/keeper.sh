# The keeper of one job: `sh run own|shared LIMIT`, descriptor 3 tells its starter how it went. See job.sh.
mode=$1 limit=$2
end=65536 # bytes kept of the end of a log that is cut
JOB=${0%/run}
umask 077
hello() { printf '%s\n' "$1" >&3; exec 3>&-; }

stat_of() {
  p_pgid= p_sid= p_start=
  { IFS= read -r p_line </proc/"$1"/stat; } 2>/dev/null || return 1
  p_line=${p_line##*) }
  set -f
  # shellcheck disable=SC2086
  set -- $p_line
  set +f
  [ $# -ge 20 ] || return 1
  p_pgid=$3 p_sid=$4
  shift 19
  p_start=$1
}

boot=unknown
[ -r /proc/sys/kernel/random/boot_id ] && read -r boot </proc/sys/kernel/random/boot_id
stat_of 1 && boot=$boot.$p_start
if stat_of $$; then
  start=$p_start pgid=$p_pgid sid=$p_sid
  if [ "$mode" = shared ]; then
    # Without setsid only a group that holds nothing but this command will do: the SSH server's session for it.
    leader_parent=
    { IFS= read -r p_line </proc/"$sid"/stat; } 2>/dev/null && { p_line=${p_line##*) }; p_line=${p_line#* }; leader_parent=${p_line%% *}; }
    [ -n "$leader_parent" ] && stat_of "$leader_parent"
    if [ "$pgid" != "$sid" ] || [ -z "$leader_parent" ] || [ "$p_sid" = "$sid" ]; then
      hello 'error missing-tool setsid'
      exit 1
    fi
  fi
else
  start=0 pgid=$$ sid=$$
  [ "$mode" = own ] || { hello 'error missing-tool setsid'; exit 1; }
fi

said=$(ln -s "$$ $start $pgid $sid $boot $(date +%s)" "$JOB/claim" 2>&1) || {
  if [ -L "$JOB/claim" ]; then hello late; else hello "error path $JOB
$said"; fi
  exit 1
}
hello ok

# TERM to the group is for the script; the keeper stays to write the exit code. A handler, not "ignore": ignored
# signals would be inherited by the script.
trap : TERM INT
if [ "$mode" = shared ]; then trap '' HUP; else trap : HUP; fi

# The log's writer. It ignores what stops the script and ends at the end of the output.
(
  trap '' TERM INT HUP QUIT
  exec 3<"$JOB/pipe"
  # A file size limit on this one process bounds the log; the unit is 512 bytes (POSIX, ulimit -f).
  said=$(trap '' XFSZ; ulimit -f $(((limit + 511) / 512)); exec cat <&3 2>&1 >>"$JOB/log") || case $said in
    *'File too large'*)
      mv "$JOB/whole" "$JOB/cut"
      printf '\n[the log limit of %s bytes is reached; of what follows only the last %s bytes are kept]\n' \
        "$limit" "$end" >>"$JOB/log"
      tail -c "$end" <&3 >>"$JOB/log" ;;
    *) mv "$JOB/whole" "$JOB/lost" ;;
  esac
  cat <&3 >/dev/null
  rm -f "$JOB/pipe"
) 2>/dev/null &
pump=$!
printf '%s\n' "$pump" >"$JOB/pump" 2>/dev/null

(
  cd /
  unset LC_ALL
  SANQIAN_JOB=${JOB##*/}
  export SANQIAN_JOB
  . "$JOB/env"
  rm -f "$JOB/env"
  exec sh "$JOB/script"
) </dev/null >"$JOB/pipe" 2>&1
code=$?

# A background process of the script may hold the pipe; the output up to here is in the log long before this ends.
turns=100
while [ -p "$JOB/pipe" ] && [ "$turns" -gt 0 ]; do
  sleep 0.02
  turns=$((turns - 1))
done
printf '%-63s\n' "$code exit $(date +%s)" 1<>"$JOB/exit.next" && mv -T "$JOB/exit.next" "$JOB/exit"
