using System.Collections;

namespace Comity.Declarations;

/// <summary>Collects problems, so that a user sees all of them at once.</summary>
public sealed class ProblemList : IReadOnlyList<Problem>
{
    private readonly List<Problem> _problems = [];

    /// <summary>Whether any problem is an error.</summary>
    public bool HasErrors => _problems.Any(p => p.Severity == Severity.Error);

    /// <inheritdoc/>
    public int Count => _problems.Count;

    /// <inheritdoc/>
    public Problem this[int index] => _problems[index];

    /// <summary>Adds a problem.</summary>
    public void Add(Problem problem) => _problems.Add(problem);

    /// <summary>Adds several problems.</summary>
    public void AddRange(IEnumerable<Problem> problems) => _problems.AddRange(problems);

    /// <summary>Throws when any problem is an error.</summary>
    /// <exception cref="InvalidDeclarationException">At least one problem is an error.</exception>
    public void ThrowIfErrors()
    {
        if (HasErrors) throw new InvalidDeclarationException(this);
    }

    /// <inheritdoc/>
    public IEnumerator<Problem> GetEnumerator() => _problems.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>What a user declared or supplied can't be used; <see cref="Problems"/> says why, all at once.</summary>
public sealed class InvalidDeclarationException(IReadOnlyList<Problem> problems)
    : Exception(string.Join(Environment.NewLine, problems))
{
    /// <summary>Everything that was found.</summary>
    public IReadOnlyList<Problem> Problems { get; } = problems;
}
