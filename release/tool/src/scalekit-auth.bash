# Completions of scalekit-auth for bash 3.2 and later. Made by scalekit-release at the build of a release.

# Sets what may follow the command of this name: `commands`, `options`, what the `values` of options are, and what the words
# without an option are, by their places and for the `rest`.
_scalekit_auth_command() {
    case $1 in
    # The table.
    *) return 1 ;;
    esac
}

_scalekit_auth() {
    local IFS=$' \t\n' line=${COMP_LINE:0:COMP_POINT} current=$2
    local word full path= option= count=0 ended= kind= pair name
    local commands options values places rest
    local -a words kinds
    COMPREPLY=()

    # bash splits words at colons and more; these are split at blanks alone. `current` is what it replaces, the end of the word.
    full=${line##*[[:space:]]}
    word=$full
    read -ra words <<<"${line%"$full"}"

    _scalekit_auth_command ''
    for name in "${words[@]:1}"; do
        if [[ -n $option ]]; then
            option=
        elif [[ $name == -- ]]; then
            ended=yes
            break
        elif [[ $name == -* ]]; then
            [[ " $values" == *" $name="* ]] && option=$name
        elif [[ -n $commands && " $commands " == *" $name "* ]]; then
            path+=" $name"
            _scalekit_auth_command "$path" || return 0
        else
            count=$((count + 1))
        fi
    done

    if [[ -n $ended ]]; then
        # What follows is a command of another program's.
        [[ ${words[${#words[@]} - 1]} != -- ]] || while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen -c -- "$word")
        return 0
    elif [[ -z $option && $word == --*=* ]]; then
        option=${word%%=*}
        word=${word#*=}
    elif [[ -z $option && $word == -* ]]; then
        kind=@${options// /,}
    elif [[ -z $option && -n $commands ]]; then
        kind=@${commands// /,}
    elif [[ -z $option ]]; then
        read -ra kinds <<<"$places"
        kind=${kinds[count]:-$rest}
    fi
    if [[ -n $option ]]; then
        kind=free
        for pair in $values; do
            [[ $pair == "$option="* ]] && kind=${pair#*=}
        done
    fi

    # After `file:` comes a file.
    [[ $kind != files && ( $kind != @*file:* || $word != file:* ) ]] || return 0
    # Files are no answer to the rest.
    compopt +o default +o bashdefault 2>/dev/null
    while IFS= read -r name; do
        [[ $name == "$word"* ]] || continue
        [[ $name != *: ]] || compopt -o nospace 2>/dev/null
        printf -v name %q "$name"
        name=${full%"$word"}$name
        COMPREPLY+=("${name#"${full%"$current"}"}")
    done < <(
        # bash 3.2 wants both parentheses here.
        case $kind in
        (free) ;;
        (@*) tr , '\n' <<<"${kind#@}" ;;
        (*) scalekit-auth complete "$kind" "$word" "${words[@]:1}" 2>/dev/null ;;
        esac
    )
    return 0
}

complete -o default -o bashdefault -F _scalekit_auth scalekit-auth
