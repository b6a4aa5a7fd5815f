# Completion for bash: source this file. The program itself knows what can follow.
_sandbox() {
    mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null |
        grep -- "^${COMP_WORDS[COMP_CWORD]}")
}
complete -o default -F _sandbox sandbox
