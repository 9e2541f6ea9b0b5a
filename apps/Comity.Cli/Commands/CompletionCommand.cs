using System.CommandLine;

namespace Comity.Cli.Commands;

/// <summary><c>comity completion SHELL</c>: prints the script that lets a shell ask <c>comity "[suggest:POSITION]"</c> for completions.</summary>
internal static class CompletionCommand
{
    public static Command Create(Session session)
    {
        var shell = new Argument<string>("SHELL") { Description = session.Text("argument.shell") };
        shell.AcceptOnlyFromAmong("bash", "zsh", "pwsh");
        var command = new Command("completion", session.Text("completion.description")) { shell };
        command.SetAction(parsed =>
        {
            session.Out.Line(parsed.GetRequiredValue(shell) switch { "bash" => Bash, "zsh" => Zsh, _ => PowerShell });
            return (int)ExitCode.Done;
        });
        return command;
    }

    private const string Bash = """
        # comity completion for bash:  source <(comity completion bash)
        _comity() {
            local IFS=$'\n' words
            words="$(comity "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)"
            COMPREPLY=( $(compgen -W "${words}" -- "${COMP_WORDS[COMP_CWORD]}") )
            [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace
        }
        complete -F _comity comity
        """;

    private const string Zsh = """
        # comity completion for zsh:  source <(comity completion zsh)
        _comity() {
            local -a words
            words=("${(@f)$(comity "[suggest:${#BUFFER}]" "${BUFFER}" 2>/dev/null)}")
            compadd -- "${words[@]}"
        }
        compdef _comity comity
        """;

    private const string PowerShell = """
        # comity completion for PowerShell:  comity completion pwsh | Out-String | Invoke-Expression
        Register-ArgumentCompleter -Native -CommandName comity -ScriptBlock {
            param($word, $ast, $position)
            comity "[suggest:$position]" "$ast" 2>$null | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;
}
