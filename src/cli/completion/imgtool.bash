# bash completion for imgtool: source <(imgtool completion bash)

_imgtool() {
    local tool=imgtool word glue=
    local -a words=()
    [[ ${COMP_WORDS[0]} == */imgtool ]] && tool=${COMP_WORDS[0]/#\~/$HOME}
    # bash cuts words at : and =, but ubuntu:14.04 and --from=app are one word each.
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ ${#words[@]} -gt 0 && ( -n $glue || $word == [:=]* ) ]]; then
            words[${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
        if [[ $word == [:=] ]]; then glue=1; else glue=; fi
    done
    [[ ${#words[@]} -gt 0 ]] || words=("")
    local current=${words[${#words[@]}-1]}
    current=${current//[\"\'\\]/}

    # What bash has cut off already must not be in the answer.
    local cut= mark
    for mark in : =; do
        if [[ $COMP_WORDBREAKS == *"$mark"* && $current == *"$mark"* ]]; then
            word=${current%"${current##*"$mark"}"}
            [[ ${#word} -gt ${#cut} ]] && cut=$word
        fi
    done

    local -a lines=()
    mapfile -t lines < <("$tool" __complete "${words[@]}" 2>/dev/null)
    local line
    COMPREPLY=()
    for line in "${lines[@]:1}"; do
        line=${line%%$'\t'*}
        COMPREPLY+=("${line#"$cut"}")
    done
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace 2>/dev/null
    fi
    local path=${current#"$cut"}
    path=${path/#\~\//$HOME/}
    case ${lines[0]} in
        *files*)
            compopt -o filenames 2>/dev/null
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$path")
            ;;
        *dirs*)
            [[ ${#COMPREPLY[@]} -gt 0 ]] || compopt -o filenames 2>/dev/null
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$path")
            ;;
    esac
}

complete -F _imgtool imgtool
