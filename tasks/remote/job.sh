# What a host does for a detached job. POSIX sh and coreutils, nothing else.
#
# A job is a directory $ROOT/<id>, mode 0700. Its files:
#   script, env   what to run; env is removed as soon as it has been read
#   run           the keeper: starts the script, waits for it, writes its exit code
#   claim         a symbolic link whose text is the keeper's identity: pid start pgid sid boot epoch
#   pipe          from the script to the log's writer; gone when all output is in the log
#   log           the output, stdout and stderr as they came
#   whole|cut|lost   one of them: the log holds everything / was cut at its limit / could not be written
#   exit          "code how epoch", how is exit or killed; before the end it is called exit.next, already allocated,
#                 so that the code can be written on a full disk
#
# Start. Everything is written to a staging directory, which is renamed to the job's name: one of several starters
# wins, and a half-written job never has the name. Then a keeper is launched, and its first act is to make the claim;
# `ln -s` is atomic and carries the identity, so one of several keepers wins and is known from that moment. A starter
# that finds the name without a claim (the first one was interrupted) launches a keeper too. The script is run at
# most once: when the winner dies after the claim, the job is gone, not started again.

# Answers are lines of words: "ok ...", or "error kind path" followed by the text of a program.
fail() { printf 'error %s %s\n%s\n' "$1" "$2" "$3"; exit 70; }

boot_id() {
  # Pid 1's start time tells a restarted container from its host, whose boot id it shares.
  boot=unknown
  [ -r /proc/sys/kernel/random/boot_id ] && read -r boot </proc/sys/kernel/random/boot_id
  stat_of 1 && boot=$boot.$p_start
}

# Fields of /proc/PID/stat; the name in brackets may hold anything, so they are counted after the last bracket.
stat_of() {
  p_state= p_pgid= p_sid= p_start=
  { IFS= read -r p_line </proc/"$1"/stat; } 2>/dev/null || return 1
  p_line=${p_line##*) }
  p_old=$IFS; IFS=' '; set -f
  # shellcheck disable=SC2086
  set -- $p_line
  set +f; IFS=$p_old
  [ $# -ge 20 ] || return 1
  p_state=$1 p_parent=$2 p_pgid=$3 p_sid=$4
  shift 19
  p_start=$1
}

read_claim() {
  k_claim=$(readlink "$JOB/claim" 2>/dev/null) || return 1
  p_old=$IFS; IFS=' '
  # shellcheck disable=SC2086
  set -- $k_claim
  IFS=$p_old
  k_pid=$1 k_start=$2 k_pgid=$3 k_sid=$4 k_boot=$5 k_epoch=$6
}

read_exit() {
  [ -f "$JOB/exit" ] || return 1
  read -r e_code e_how e_epoch <"$JOB/exit"
}

keeper_alive() {
  if [ -d /proc/self ]; then
    stat_of "$k_pid" && [ "$p_start" = "$k_start" ] && [ "$p_state" != Z ]
  else
    kill -0 "$k_pid" 2>/dev/null
  fi
}

# Sets state (running, exited, gone, prepared), code, why.
look() {
  state=gone code=- why=-
  if [ ! -d "$JOB" ]; then why=no-directory; return; fi
  if read_exit; then state=exited code=$e_code why=$e_how; return; fi
  if ! read_claim; then state=prepared; return; fi
  if [ "$k_pid" = 0 ]; then why=cancelled; return; fi
  if [ "$k_boot" != "$boot" ]; then why=reboot
  elif keeper_alive; then state=running
  else why=killed
  fi
  # The exit code may have been written between the two looks.
  if [ "$state" = gone ] && read_exit; then state=exited code=$e_code why=$e_how; fi
}

log_state() {
  for l_state in whole cut lost; do [ -e "$JOB/$l_state" ] && return; done
  l_state=lost
}

log_size() { size=$(wc -c <"$JOB/log" 2>/dev/null) || size=0; size=$((size + 0)); }

# start: needs NONCE, LIMIT, and the functions put_script, put_env, put_run that print the files' contents.
stage() {
  mkdir -p "$ROOT" && chmod 0700 "$ROOT" && mkdir "$STAGE" || return 1
  put_script | cat >"$STAGE/script" || return 1
  put_env | cat >"$STAGE/env" || return 1
  put_run | cat >"$STAGE/run" || return 1
  printf '%-63s\n' - | cat >"$STAGE/exit.next" || return 1
  : >"$STAGE/log" && : >"$STAGE/whole" && mkfifo "$STAGE/pipe" || return 1
  # A pipeline hides the writer's failure; the last byte of each file proves that all of it is there.
  [ "$(tail -c 1 "$STAGE/script")$(tail -c 1 "$STAGE/env")$(tail -c 1 "$STAGE/run")" = '###' ]
}

start() {
  umask 077
  boot_id
  created=no
  STAGE=$ROOT/.new.$ID.$NONCE
  if [ ! -d "$JOB" ]; then
    said=$(stage 2>&1) || {
      [ -n "$said" ] || said=$(dd if=/dev/zero of="$STAGE/probe" bs=4096 count=1 2>&1)
      rm -rf "$STAGE" 2>/dev/null
      fail path "$ROOT" "$said"
    }
    if said=$(mv -T "$STAGE" "$JOB" 2>&1); then
      created=yes
    else
      rm -rf "$STAGE"
      [ -d "$JOB" ] || fail path "$JOB" "$said"
    fi
  fi
  [ -f "$JOB/run" ] || fail path "$JOB" "not a job's directory: it holds no run file"
  if ! read_claim; then
    # Its own session when the host can make one, else the one that the SSH server made for this command.
    # The answer ends when the keeper closes descriptor 3; it is empty when no keeper came up.
    said=$(setsid sh "$JOB/run" own "$LIMIT" 3>&1 </dev/null >/dev/null 2>&1 &)
    if [ -z "$said" ] && ! read_claim; then
      command -v setsid >/dev/null 2>&1 && setsid true 2>/dev/null && fail path "$JOB" "the job's keeper did not start"
      said=$(sh "$JOB/run" shared "$LIMIT" 3>&1 </dev/null >/dev/null 2>&1 &)
    fi
    case $said in
      error*) printf '%s\n' "$said"; exit 70 ;;
    esac
    read_claim || fail path "$JOB" "the job's keeper did not start: $said"
  fi
  printf 'ok %s %s\n' "$created" "$boot"
}

# follow: needs OFFSET, WAIT, LINGER, MAX.
follow() {
  boot_id
  look
  if [ "$state" = running ]; then
    log_size
    if [ "$size" -le "$OFFSET" ] && [ "$WAIT" != 0 ]; then
      wait_for_news
      look
      log_size
    fi
    if [ "$state" = running ] && [ "$size" -gt "$OFFSET" ] && [ $((size - OFFSET)) -lt "$MAX" ]; then
      # In fifths of a second; nobody need wait for more once the job has ended.
      turns=$LINGER
      while [ "$turns" -gt 0 ] && [ ! -e "$JOB/exit" ]; do
        sleep 0.2
        turns=$((turns - 1))
      done
      look
    fi
  fi
  size=0 count=0 l_state=whole
  if [ -d "$JOB" ]; then
    # After the state: once a job has exited, its log is complete.
    log_size
    log_state
    count=$((size - OFFSET))
    [ "$count" -lt 0 ] && count=0
    [ "$count" -gt "$MAX" ] && count=$MAX
  fi
  printf 'ok %s %s %s %s %s %s %s\n' "$state" "$code" "$why" "$size" "$count" "$l_state" "$boot" || return 1
  [ "$count" -eq 0 ] || tail -c +$((OFFSET + 1)) "$JOB/log" | head -c "$count"
}

# watch: also needs NEXT, the WAIT of all but the first look. One `follow` after the other, until the job has ended and
# all of its output was told, or nobody listens any more, which the next of them notices. Whoever has stored the output
# says so on descriptor 3.
watch() {
  while follow; do
    OFFSET=$((OFFSET + count)) WAIT=$NEXT
    if [ "$state" != running ] && [ "$OFFSET" -ge "$size" ]; then
      [ "$state" = prepared ] || { read -r said <&3 && [ "$said" = remove ] && remove; }
      return
    fi
  done
}

# Returns on new output, on the keeper's end, or when WAIT is over. GNU tail sleeps in the kernel meanwhile.
# It watches the exit file too: where pid 1 is slow to bury the dead, a keeper that has ended still has its number.
wait_for_news() {
  if timeout 1 tail -n 0 --pid=1 /dev/null 2>/dev/null; then
    sh -c 'echo $$; exec timeout "$1" tail -q -c "+$2" -s 0.2 --pid="$3" -F "$4/log" "$4/exit" 2>/dev/null' \
      sh "$WAIT" "$((OFFSET + 1))" "$k_pid" "$JOB" | {
      read -r waiter
      [ "$(dd bs=1 count=1 2>/dev/null | wc -c)" -eq 0 ] || kill "$waiter" 2>/dev/null
    }
    return
  fi
  turns=$((${WAIT%.*} * 4 + 1))
  while [ "$turns" -gt 0 ]; do
    log_size
    [ "$size" -gt "$OFFSET" ] && return
    keeper_alive || return
    sleep 0.25
    turns=$((turns - 1))
  done
}

# Processes of the job: those of its session when that is its own, else of its group; the mark in their environment
# proves it when the keeper is dead, because then the numbers may have been given to others.
# Sets members (pids, without the keeper and the log's writer) and helpers (those two, when alive).
find_members() {
  members= helpers=
  [ -d /proc/self ] || return 0
  pump=$(cat "$JOB/pump" 2>/dev/null)
  trusted=no
  keeper_alive && trusted=yes
  for f_dir in /proc/[0-9]*; do
    f_pid=${f_dir#/proc/}
    stat_of "$f_pid" || continue
    [ "$p_state" = Z ] && continue
    if [ "$k_sid" = "$k_pid" ]; then [ "$p_sid" = "$k_sid" ] || continue
    else [ "$p_pgid" = "$k_pgid" ] || continue
    fi
    [ "$trusted" = yes ] || is_marked "$f_pid" || continue
    if [ "$f_pid" = "$k_pid" ] || [ "$p_parent" = "$pump" ] || [ "$f_pid" = "$pump" ]; then helpers="$helpers $f_pid"
    else members="$members $f_pid"
    fi
  done
}

is_marked() {
  case "
$(tr '\0' '\n' <"/proc/$1/environ" 2>/dev/null)
" in
    *"
SANQIAN_JOB=$ID
"*) return 0 ;;
  esac
  return 1
}

# Without a directory (somebody deleted it) only the mark is left.
find_marked() {
  members= helpers=
  for f_dir in /proc/[0-9]*; do
    f_pid=${f_dir#/proc/}
    stat_of "$f_pid" && [ "$p_state" != Z ] && is_marked "$f_pid" && members="$members $f_pid"
  done
}

find_all() { if [ -n "$k_pid" ]; then find_members; else find_marked; fi; }

# stop_all SIGNAL SECONDS: signal members until none is left.
stop_all() {
  turns=$(($2 * 10 + 1))
  find_all
  while [ -n "$members" ] && [ "$turns" -gt 0 ]; do
    # TERM once; KILL again for those that were born meanwhile.
    # shellcheck disable=SC2086
    if [ "$1" = KILL ] || [ "$turns" -eq $(($2 * 10 + 1)) ]; then kill -s "$1" $members 2>/dev/null; fi
    sleep 0.1
    turns=$((turns - 1))
    find_all
  done
  [ -z "$members" ]
}

# kill: needs GRACE (whole seconds). Says what happened.
stop() {
  boot_id
  k_pid=
  if [ ! -d "$JOB" ]; then
    find_marked
    if [ -z "$members" ]; then printf 'ok absent - -\n'; return; fi
    how=killed
    stop_all TERM "$GRACE" && how=terminated
    stop_all KILL 3
    printf 'ok %s - %s\n' "$how" "${members:--}"
    return
  fi
  # Nobody may start it from now on.
  if ! read_claim && ln -s "0 0 0 0 $boot $(date +%s)" "$JOB/claim" 2>/dev/null; then
    end_as 143
    printf 'ok not-started 143 -\n'
    return
  fi
  read_claim || fail path "$JOB" "$(ln -s x "$JOB/claim" 2>&1)"
  look
  if [ "$k_boot" != "$boot" ]; then printf 'ok gone %s -\n' "$code"; return; fi
  before=$state
  how=terminated
  if [ ! -d /proc/self ]; then
    kill -s TERM -- "-$k_pgid" 2>/dev/null
    sleep "$GRACE"
    kill -s KILL -- "-$k_pgid" 2>/dev/null && how=killed
  else
    find_all
    [ -z "$members" ] && [ "$before" != running ] && how=
    stop_all TERM "$GRACE" || how=killed
    stop_all KILL 3
    # The keeper writes the exit code once the script is dead; it gets a moment for it.
    turns=30
    while keeper_alive && [ "$turns" -gt 0 ]; do sleep 0.1; turns=$((turns - 1)); done
    find_all
    # shellcheck disable=SC2086
    [ -z "$helpers" ] || kill -s KILL $helpers 2>/dev/null
  fi
  look
  if [ "$state" = gone ]; then end_as 137; look; fi
  if [ -z "$how" ]; then how=$before; fi
  printf 'ok %s %s %s\n' "$how" "$code" "${members:--}"
}

# Write the exit code for a keeper that cannot.
end_as() { printf '%-63s\n' "$1 killed $(date +%s)" 1<>"$JOB/exit.next" && mv -T "$JOB/exit.next" "$JOB/exit"; }

collect() {
  boot_id
  look
  k_epoch=- e_epoch=- l_state=- size=0
  if [ -d "$JOB" ]; then read_claim; read_exit; log_size; log_state; fi
  printf 'ok %s %s %s %s %s %s %s %s\n' "$state" "$code" "$why" "$size" "$l_state" "${k_epoch:--}" "${e_epoch:--}" "$boot"
}

# Running, or its keeper is dead but some of its processes are not.
in_use() {
  [ "$state" = running ] && return
  [ "$state" = gone ] && [ "$why" = killed ] && { find_members; [ -n "$members" ]; }
}

# remove_job: the name disappears at once, the content after it.
remove_job() {
  mv -T "$JOB" "$ROOT/.old.$ID.$NONCE" 2>/dev/null || return 0
  rm -rf "$ROOT/.old.$ID.$NONCE"
}

remove() {
  boot_id
  look
  in_use && fail running "$JOB" "the job is still running"
  said=$(remove_job 2>&1) || fail path "$JOB" "$said"
  # What interrupted starts and removals of the same job left.
  rm -rf "$ROOT/.new.$ID".* "$ROOT/.old.$ID".*
  printf 'ok\n'
}

# clean: needs AGE in seconds. Age counts from the last sign of life: the exit code, or the log's last byte.
clean() {
  boot_id
  now=$(date +%s)
  for c_dir in "$ROOT"/* "$ROOT"/.new.* "$ROOT"/.old.*; do
    [ -d "$c_dir" ] || continue
    c_name=${c_dir##*/}
    case $c_name in
      .*)
        c_time=$(stat -c %Y "$c_dir" 2>/dev/null) || continue
        [ $((now - c_time)) -ge "$AGE" ] && [ $((now - c_time)) -ge 3600 ] && rm -rf "$c_dir"
        continue ;;
    esac
    [ -f "$c_dir/run" ] || continue
    ID=$c_name JOB=$c_dir
    look
    in_use && continue
    c_time=$(stat -c %Y "$JOB/log" 2>/dev/null) || c_time=0
    read_exit && c_time=$e_epoch
    [ $((now - c_time)) -ge "$AGE" ] || continue
    remove_job && printf 'removed %s\n' "$ID"
  done
  printf 'ok\n'
}
