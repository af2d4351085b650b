# bash completion for corten. Load it with:  source <(corten completion bash)

_corten_words() {
    # bash splits words at ':' and '=', which names and options contain: put them together again.
    local rest=${COMP_LINE:0:COMP_POINT} index word bare
    words=()
    for ((index = 0; index <= COMP_CWORD; index++)); do
        word=${COMP_WORDS[index]}
        bare=${rest#"${rest%%[![:space:]]*}"}
        ((index < COMP_CWORD)) || word=$bare
        if ((index > 0)) && [[ $bare == "$rest" && -n $rest ]]; then
            words[${#words[@]} - 1]+=$word
        else
            words+=("$word")
        fi
        rest=${bare#"$word"}
    done
}

_corten() {
    local words current directive=0 line word about longest=0
    local -a found=() abouts=()
    _corten_words
    current=${words[${#words[@]} - 1]}
    COMPREPLY=()
    while IFS= read -r line; do
        if [[ $line == :[0-9]* ]]; then
            directive=${line#:}
            continue
        fi
        word=${line%%$'\t'*}
        about=
        [[ $line == *$'\t'* ]] && about=${line#*$'\t'}
        found+=("$word")
        abouts+=("$about")
        ((${#word} <= longest)) || longest=${#word}
    done < <(corten __complete "${words[@]:1}" 2>/dev/null)

    # The part of the word that bash takes for earlier words stays as it is.
    local kept=$current
    [[ $kept == --*=* ]] && kept=${kept#*=}
    local cut=
    [[ $COMP_WORDBREAKS == *:* && $kept == *:* ]] && cut=${kept%"${kept##*:}"}
    [[ $COMP_WORDBREAKS == *=* && ${kept#"$cut"} == *=* ]] && cut+=${kept#"$cut"} && cut=${cut%"${cut##*=}"}
    if ((directive & 16)); then
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$kept")
        compopt -o filenames
        return
    fi
    local index
    for index in "${!found[@]}"; do
        word=${found[index]}
        [[ $word == "$kept"* ]] || continue
        word=${word#"$cut"}
        # A list is shown, nothing is inserted: say what the words mean.
        if [[ $COMP_TYPE == 63 && -n ${abouts[index]} && ${#found[@]} -gt 1 ]]; then
            printf -v word '%-*s  (%s)' "$longest" "$word" "${abouts[index]}"
        else
            printf -v word '%q' "$word"
        fi
        COMPREPLY+=("$word")
    done
    ((directive & 2)) && compopt -o nospace
    if ((directive & 4)); then
        compopt +o default
    elif ((${#COMPREPLY[@]} == 0)); then
        compopt -o default
    fi
}

complete -o default -F _corten corten
# docker is a second name of this program, where it has no other of that name.
if [[ $(readlink -f "$(type -P docker)") == "$(readlink -f "$(type -P corten)")" ]]; then
    complete -o default -F _corten docker
fi
