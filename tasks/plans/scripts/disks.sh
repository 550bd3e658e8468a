# What disks a host has, for tasks/plans/disks.py. Changes nothing.
whole_disks | while IFS= read -r each; do look_at "$each"; done
say end 1
