# bash completion for voicectl. Install: voicectl completion bash > /usr/share/bash-completion/completions/voicectl
_voicectl() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local command='' i
    local commands='status stats activate deactivate mute unmute talk interrupt ask say reconnect volume events history budget reload shutdown completion'
    COMPREPLY=()
    if [[ $previous == --socket ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --socket) ((i++)) ;;
            -*) ;;
            *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    local words=''
    case $command in
        '') words="$commands --socket --version --help" ;;
        status|stats) words='--json --help' ;;
        talk) words='--seconds --help' ;;
        volume) words='0 10 20 30 40 50 60 70 80 90 100' ;;
        events)
            words='--topics --help'
            [[ $previous == --topics ]] && words='phase transcript level turn fault tally'
            ;;
        history) words='-n --json --help' ;;
        budget) words='lift --help' ;;
        completion) words='bash zsh fish' ;;
        *) words='--help' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -F _voicectl voicectl
