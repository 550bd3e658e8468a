systemctl stop etcd
aside=$(aside)
mkdir -p -m 700 "$data"
if [ ! -e "$aside" ]; then
  rm -rf "$fresh"
  # Watchers remember revisions from after the snapshot: where etcd can, it begins far above them and says so.
  bump=
  if snapshot_tool restore --help 2>&1 | grep -q -e --bump-revision; then
    bump='--bump-revision 1000000000 --mark-compacted'
  else
    printf 'this etcd cannot raise revisions: restart what watches the API and behaves oddly\n'
  fi
  snapshot_tool restore "$STAGE/snapshot.db" --name "$(etcd_env ETCD_NAME)" --data-dir "$fresh" \
    --initial-cluster "$(set_to initial_cluster)" --initial-cluster-token "$(set_to token)" \
    --initial-advertise-peer-urls "$(etcd_env ETCD_INITIAL_ADVERTISE_PEER_URLS)" $bump || {
    rm -rf "$fresh"
    fail "etcd's data could not be restored on $SANQIAN_HOST; its old data are where they were." \
      "See etcd's words above; mend it, then retry. All members and API servers stay stopped meanwhile."
  }
  chown -R --reference="$data" "$fresh"
  sync
  if [ -e "$data/member" ]; then mv "$data/member" "$aside"; else mkdir "$aside"; fi
fi
if [ -d "$fresh/member" ]; then
  # A member that was started in between has made an empty one.
  rm -rf "$data/member"
  mv "$fresh/member" "$data/member"
fi
rm -rf "$fresh"
sync
