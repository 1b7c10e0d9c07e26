#!/bin/sh
case $0 in
*/*) at=$0 ;;
*) at=./$0 ;;
esac
while [ -L "$at" ]; do
    to=$(readlink "$at") || exit
    case $to in
    /*) at=$to ;;
    *) at=${at%/*}/$to ;;
    esac
done
exec "${at%/*}/scalekit-auth" COMMAND "$@"
