using Comity.Federation.Audit;

namespace Comity.Cli.Runs;

/// <summary>Where it is written down what passes between a site and the coordinator: a run's logs, or a trial's list of what the run is to write into them.</summary>
internal interface IAuditTrail
{
    /// <summary>Something leaves a site for the coordinator.</summary>
    void Leaves(string site, AuditEntry entry);

    /// <summary>Something is given to a site.</summary>
    void Given(string site, AuditEntry entry);
}
