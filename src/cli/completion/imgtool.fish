# fish completion for imgtool: imgtool completion fish > ~/.config/fish/completions/imgtool.fish

function __imgtool_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l tool imgtool
    string match -q '*/imgtool' -- $words[1]; and set tool $words[1]
    # "$current" is a word even if nothing of it is typed yet.
    set -l lines ($tool __complete $words[2..-1] "$current" 2>/dev/null)
    printf '%s\n' $lines[2..-1]
    if string match -q '*files*' -- $lines[1]
        __fish_complete_path (string replace -r '^--[^=]*=' '' -- $current)
    else if string match -q '*dirs*' -- $lines[1]
        __fish_complete_directories (string replace -r '^--[^=]*=' '' -- $current) ''
    end
end

complete -c imgtool -f -a '(__imgtool_complete)'
