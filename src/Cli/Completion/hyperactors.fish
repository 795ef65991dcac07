# Completion of hyperactors in fish. For this session: hyperactors completion fish | source
function __hyperactors_complete
    set -l given (commandline -opc)
    set -l program $given[1]
    set -e given[1]
    set -l current (commandline -ct)
    set -l lines ($program complete -- $given "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current"
    end
    set -e lines[1]
    printf '%s\n' $lines
end

complete -c hyperactors -f -a '(__hyperactors_complete)'
