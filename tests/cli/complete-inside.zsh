# Sourced by the shell in which complete.zsh types: it prints the completions instead of showing them.
PROMPT=
unset zle_bracketed_paste
autoload -Uz compinit
compinit -u -D
bindkey '^I' complete-word
compadd() {
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
        builtin compadd "$@"
        return
    fi
    local -a hits
    builtin compadd -A hits "$@"
    local hit
    for hit in $hits; do print -r -- "<$hit>"; done
    [[ -n $hits ]]
}
finish() {
    print THE-END
    exit
}
comppostfuncs=(finish)
stty -echo
print READ''Y
