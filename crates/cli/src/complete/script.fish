# fish completion for corten. Load it with:  corten completion fish | source

function __corten_ask
    set -l words (commandline -opc) (commandline -ct)
    set -l directive 0
    set -l prefix ''
    set -l current $words[-1]
    if string match -q -- '--*=*' $current
        set prefix (string replace -r '=.*' '=' -- $current)
    end
    for line in (corten __complete $words[2..-1] 2>/dev/null)
        if string match -qr '^:\d+$' -- $line
            set directive (string sub -s 2 -- $line)
        else
            echo -- $prefix$line
        end
    end
    set -l value (string replace -r '^--[^=]*=' '' -- $current)
    if test (math "bitand($directive, 16)") -ne 0
        __fish_complete_directories $value
    else if test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path $value
    end
end

complete -c corten -e
complete -c corten -f -a '(__corten_ask)'
# docker is a second name of this program, where it has no other of that name.
if command -q docker; and command -q corten; and test (realpath (command -s docker)) = (realpath (command -s corten))
    complete -c docker -e
    complete -c docker -f -a '(__corten_ask)'
end
