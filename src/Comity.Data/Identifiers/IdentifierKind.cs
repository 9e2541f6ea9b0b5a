namespace Comity.Data.Identifiers;

/// <summary>What can point at a person: the eighteen kinds of HIPAA's Safe Harbor (45 CFR 164.514(b)(2)(i)(A) to (R)), each with its letter there.</summary>
public enum IdentifierKind
{
    /// <summary>(A) Names.</summary>
    Name,

    /// <summary>(B) Places smaller than a state, post codes among them.</summary>
    Place,

    /// <summary>(C) Dates more exact than a year, and ages above 89.</summary>
    Date,

    /// <summary>(D) Telephone numbers.</summary>
    Telephone,

    /// <summary>(E) Fax numbers.</summary>
    Fax,

    /// <summary>(F) Electronic mail addresses.</summary>
    Email,

    /// <summary>(G) Social security numbers, and other countries' national numbers of persons.</summary>
    NationalNumber,

    /// <summary>(H) Medical record numbers.</summary>
    MedicalRecord,

    /// <summary>(I) Health plan beneficiary numbers.</summary>
    HealthPlan,

    /// <summary>(J) Account numbers; cards and IBANs are found by their check digits.</summary>
    Account,

    /// <summary>(K) Certificate and licence numbers.</summary>
    Licence,

    /// <summary>(L) Vehicles: serial numbers and plates.</summary>
    Vehicle,

    /// <summary>(M) Devices: identifiers and serial numbers.</summary>
    Device,

    /// <summary>(N) Web addresses.</summary>
    WebAddress,

    /// <summary>(O) Internet protocol addresses.</summary>
    IpAddress,

    /// <summary>(P) Biometric identifiers: finger and voice prints.</summary>
    Biometric,

    /// <summary>(Q) Full-face photographs.</summary>
    Photograph,

    /// <summary>(R) Any other unique number, characteristic or code.</summary>
    Other,
}
