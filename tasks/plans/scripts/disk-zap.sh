# zero DEVICE FROM COUNT: in MiB; where the disk ends earlier, to its end.
zero() { dd if=/dev/zero of="$1" bs=1048576 seek="$2" count="$3" conv=fsync 2>/dev/null || :; }
# zap NAME: takes everything off a disk that nothing uses. wipefs opens it exclusively: the kernel refuses what is in
# use, whoever uses it and however briefly.
zap() {
  for part in $(partitions_of "$1"); do
    wipefs -q -a "/dev/$part" || fail "$part of $SANQIAN_HOST is in use; $1 was not wiped." "Find its user: lsof /dev/$part."
  done
  wipefs -q -a "/dev/$1" || fail "/dev/$1 of $SANQIAN_HOST is in use and was not wiped." "Find its user: lsof /dev/$1."
  size=$(($(cat "/sys/block/$1/size") / 2048))
  zero "/dev/$1" 0 100
  zero "/dev/$1" $((size - 10)) 10
  # BlueStore keeps copies of its label here.
  for place in 1 10 100 1000; do
    [ $((place * 1024)) -ge "$size" ] || zero "/dev/$1" $((place * 1024)) 1
  done
  blockdev --rereadpt "/dev/$1" 2>/dev/null || :
}
