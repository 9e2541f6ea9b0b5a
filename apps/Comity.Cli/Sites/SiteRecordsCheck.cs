using Comity.Data;
using Comity.Data.Tables;
using Comity.Declarations;
using Comity.Federation.Studies;

namespace Comity.Cli.Sites;

/// <summary>Reads a site's records against a study's contract, as a study would; nothing leaves the site.</summary>
internal static class SiteRecordsCheck
{
    public static Finding Look(Session session, DeclaredSite site, string path, CancellationToken cancellationToken)
    {
        var problems = new ProblemList();
        var rows = 0;
        if (StudyReader.Read(path, problems) is { Section: var study })
        {
            var sections = DataSections.Read(study.Contract, study.Preprocess, study.Clean, study.Split, problems);
            if (study.Sites.All(s => s.Id != site.Section.Site)) problems.Add(Texts.Problem("site-not-listed", Place.InFile(path), site.Section.Site));
            if (site.Section.DataFor(study.Study) is not { } data) problems.Add(Texts.Problem("site-without-data", Place.InFile(site.Path), study.Study));
            else if (sections is not null && !problems.HasErrors)
            {
                sections.CheckSource(data.Source, site.Section.Site, Place.InFile(site.Path), problems);
                var loader = new TableLoader(sections.Contract, new LoadOptions
                {
                    BaseFolder = site.Folder,
                    Clean = sections.Clean,
                    Preprocess = sections.Preprocess,
                    Split = sections.Split,
                    ShowValues = true, // only the data's owner sees this
                });
                rows = loader.Load(data.Source, site.Section.Site, problems, cancellationToken)?.Rows ?? 0;
                if (!problems.HasErrors && rows < site.Section.Policy.LeastRows) problems.Add(Texts.Problem("site-few-rows", Place.InFile(site.Path), rows, site.Section.Policy.LeastRows));
            }
        }
        return new("records", problems.HasErrors ? "" : session.Text("doctor.records", rows), problems);
    }
}
