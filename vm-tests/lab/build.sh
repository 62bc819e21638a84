# PID 1 of the building of an image, after private.sh. Arguments: the text of the script; mmdebstrap and its arguments.
# Standard input is a pipe from the owner: its end ends the build, and the kernel removes all that was mounted for it.
shift
exec 4<&0
trap 'exit 143' TERM
(read -r _ <&4 || kill -TERM 1) &
"$@" </dev/null 4<&- &
wait "$!"
