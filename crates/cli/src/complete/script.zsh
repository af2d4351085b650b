#compdef corten
# zsh completion for corten. Load it with:  source <(corten completion zsh)

_corten() {
    local line word about directive=0 current=${words[CURRENT]}
    local -a found
    for line in "${(@f)$(corten __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        if [[ $line == :<-> ]]; then
            directive=${line#:}
            continue
        fi
        word=${line%%$'\t'*}
        about=
        [[ $line == *$'\t'* ]] && about=":${line#*$'\t'}"
        found+=("${word//:/\\:}$about")
    done
    local -a options
    ((directive & 2)) && options+=(-S '')
    if [[ $current == --*=* ]]; then
        compset -P 1 '*='
    fi
    if ((directive & 16)); then
        _files -/
        return
    fi
    if (($#found)); then
        _describe -V corten found "${options[@]}"
    fi
    ((directive & 4)) || _files
}

compdef _corten corten
# docker is a second name of this program, where it has no other of that name.
if [[ -n ${commands[docker]} && ${commands[docker]:A} == ${commands[corten]:A} ]]; then
    compdef _corten docker
fi
# Loaded as a file of fpath, the function is called at once.
if [[ $funcstack[1] == _corten ]]; then
    _corten "$@"
fi
