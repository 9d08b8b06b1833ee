//! MITRE ATT&CK ids and their names: the tactics, and the techniques of the Containers matrix and its neighbourhood
//! that a Kubernetes audit log can speak of.
//!
//! Names as in ATT&CK for Enterprise 19 (April 2026), see <https://attack.mitre.org>. That version gave TA0005, once
//! "Defense Evasion", its narrower name, and replaced T1562 by techniques of the new tactic TA0112. Headers may still
//! use T1562: reports and other tools go on naming it.

/// The name of a tactic (`TA0006`), technique (`T1552`) or sub-technique (`T1552.007`), if it is among those known.
#[must_use]
pub fn name(id: &str) -> Option<&'static str> {
    NAMES.binary_search_by_key(&id, |(known, _)| known).ok().map(|index| NAMES[index].1)
}

/// The tactics in the order of the matrix.
pub const TACTICS: [&str; 15] = [
    "TA0043", "TA0042", "TA0001", "TA0002", "TA0003", "TA0004", "TA0005", "TA0112", "TA0006", "TA0007", "TA0008",
    "TA0009", "TA0011", "TA0010", "TA0040",
];

/// Sorted by id.
const NAMES: &[(&str, &str)] = &[
    ("T1005", "Data from Local System"),
    ("T1018", "Remote System Discovery"),
    ("T1020", "Automated Exfiltration"),
    ("T1021", "Remote Services"),
    ("T1021.007", "Remote Services: Cloud Services"),
    ("T1029", "Scheduled Transfer"),
    ("T1030", "Data Transfer Size Limits"),
    ("T1033", "System Owner/User Discovery"),
    ("T1036", "Masquerading"),
    ("T1036.005", "Masquerading: Match Legitimate Resource Name or Location"),
    ("T1036.010", "Masquerading: Masquerade Account Name"),
    ("T1040", "Network Sniffing"),
    ("T1041", "Exfiltration Over C2 Channel"),
    ("T1046", "Network Service Discovery"),
    ("T1048", "Exfiltration Over Alternative Protocol"),
    ("T1049", "System Network Connections Discovery"),
    ("T1053", "Scheduled Task/Job"),
    ("T1053.007", "Scheduled Task/Job: Container Orchestration Job"),
    ("T1057", "Process Discovery"),
    ("T1059", "Command and Scripting Interpreter"),
    ("T1059.004", "Command and Scripting Interpreter: Unix Shell"),
    ("T1059.006", "Command and Scripting Interpreter: Python"),
    ("T1059.009", "Command and Scripting Interpreter: Cloud API"),
    ("T1059.013", "Command and Scripting Interpreter: Container CLI/API"),
    ("T1068", "Exploitation for Privilege Escalation"),
    ("T1069", "Permission Groups Discovery"),
    ("T1069.003", "Permission Groups Discovery: Cloud Groups"),
    ("T1070", "Indicator Removal"),
    ("T1071", "Application Layer Protocol"),
    ("T1071.001", "Application Layer Protocol: Web Protocols"),
    ("T1074", "Data Staged"),
    ("T1078", "Valid Accounts"),
    ("T1078.001", "Valid Accounts: Default Accounts"),
    ("T1078.003", "Valid Accounts: Local Accounts"),
    ("T1078.004", "Valid Accounts: Cloud Accounts"),
    ("T1082", "System Information Discovery"),
    ("T1083", "File and Directory Discovery"),
    ("T1087", "Account Discovery"),
    ("T1087.004", "Account Discovery: Cloud Account"),
    ("T1090", "Proxy"),
    ("T1090.001", "Proxy: Internal Proxy"),
    ("T1090.002", "Proxy: External Proxy"),
    ("T1090.003", "Proxy: Multi-hop Proxy"),
    ("T1098", "Account Manipulation"),
    ("T1098.001", "Account Manipulation: Additional Cloud Credentials"),
    ("T1098.003", "Account Manipulation: Additional Cloud Roles"),
    ("T1098.004", "Account Manipulation: SSH Authorized Keys"),
    ("T1098.006", "Account Manipulation: Additional Container Cluster Roles"),
    ("T1102", "Web Service"),
    ("T1105", "Ingress Tool Transfer"),
    ("T1110", "Brute Force"),
    ("T1110.001", "Brute Force: Password Guessing"),
    ("T1110.003", "Brute Force: Password Spraying"),
    ("T1110.004", "Brute Force: Credential Stuffing"),
    ("T1119", "Automated Collection"),
    ("T1133", "External Remote Services"),
    ("T1134", "Access Token Manipulation"),
    ("T1134.001", "Access Token Manipulation: Token Impersonation/Theft"),
    ("T1134.003", "Access Token Manipulation: Make and Impersonate Token"),
    ("T1136", "Create Account"),
    ("T1136.001", "Create Account: Local Account"),
    ("T1136.003", "Create Account: Cloud Account"),
    ("T1190", "Exploit Public-Facing Application"),
    ("T1195", "Supply Chain Compromise"),
    ("T1195.002", "Supply Chain Compromise: Compromise Software Supply Chain"),
    ("T1199", "Trusted Relationship"),
    ("T1204", "User Execution"),
    ("T1204.003", "User Execution: Malicious Image"),
    ("T1210", "Exploitation of Remote Services"),
    ("T1212", "Exploitation for Credential Access"),
    ("T1213", "Data from Information Repositories"),
    ("T1484", "Domain or Tenant Policy Modification"),
    ("T1485", "Data Destruction"),
    ("T1486", "Data Encrypted for Impact"),
    ("T1489", "Service Stop"),
    ("T1490", "Inhibit System Recovery"),
    ("T1496", "Resource Hijacking"),
    ("T1496.001", "Resource Hijacking: Compute Hijacking"),
    ("T1498", "Network Denial of Service"),
    ("T1499", "Endpoint Denial of Service"),
    ("T1505", "Server Software Component"),
    ("T1518", "Software Discovery"),
    ("T1525", "Implant Internal Image"),
    ("T1526", "Cloud Service Discovery"),
    ("T1528", "Steal Application Access Token"),
    ("T1530", "Data from Cloud Storage"),
    ("T1531", "Account Access Removal"),
    ("T1537", "Transfer Data to Cloud Account"),
    ("T1538", "Cloud Service Dashboard"),
    ("T1543", "Create or Modify System Process"),
    ("T1543.005", "Create or Modify System Process: Container Service"),
    ("T1546", "Event Triggered Execution"),
    ("T1548", "Abuse Elevation Control Mechanism"),
    ("T1548.005", "Abuse Elevation Control Mechanism: Temporary Elevated Cloud Access"),
    ("T1550", "Use Alternate Authentication Material"),
    ("T1550.001", "Use Alternate Authentication Material: Application Access Token"),
    ("T1552", "Unsecured Credentials"),
    ("T1552.001", "Unsecured Credentials: Credentials In Files"),
    ("T1552.004", "Unsecured Credentials: Private Keys"),
    ("T1552.005", "Unsecured Credentials: Cloud Instance Metadata API"),
    ("T1552.007", "Unsecured Credentials: Container API"),
    ("T1555", "Credentials from Password Stores"),
    ("T1555.006", "Credentials from Password Stores: Cloud Secrets Management Stores"),
    ("T1556", "Modify Authentication Process"),
    ("T1557", "Adversary-in-the-Middle"),
    ("T1560", "Archive Collected Data"),
    ("T1562", "Impair Defenses"),
    ("T1562.001", "Impair Defenses: Disable or Modify Tools"),
    ("T1562.004", "Impair Defenses: Disable or Modify System Firewall"),
    ("T1562.006", "Impair Defenses: Indicator Blocking"),
    ("T1562.007", "Impair Defenses: Disable or Modify Cloud Firewall"),
    ("T1562.008", "Impair Defenses: Disable or Modify Cloud Logs"),
    ("T1564", "Hide Artifacts"),
    ("T1565", "Data Manipulation"),
    ("T1565.001", "Data Manipulation: Stored Data Manipulation"),
    ("T1567", "Exfiltration Over Web Service"),
    ("T1570", "Lateral Tool Transfer"),
    ("T1571", "Non-Standard Port"),
    ("T1572", "Protocol Tunneling"),
    ("T1573", "Encrypted Channel"),
    ("T1578", "Modify Cloud Compute Infrastructure"),
    ("T1580", "Cloud Infrastructure Discovery"),
    ("T1595", "Active Scanning"),
    ("T1595.001", "Active Scanning: Scanning IP Blocks"),
    ("T1595.002", "Active Scanning: Vulnerability Scanning"),
    ("T1606", "Forge Web Credentials"),
    ("T1609", "Container Administration Command"),
    ("T1610", "Deploy Container"),
    ("T1611", "Escape to Host"),
    ("T1612", "Build Image on Host"),
    ("T1613", "Container and Resource Discovery"),
    ("T1619", "Cloud Storage Object Discovery"),
    ("T1648", "Serverless Execution"),
    ("T1649", "Steal or Forge Authentication Certificates"),
    ("T1651", "Cloud Administration Command"),
    ("T1654", "Log Enumeration"),
    ("T1685", "Disable or Modify Tools"),
    ("T1685.002", "Disable or Modify Tools: Disable or Modify Cloud Log"),
    ("T1686", "Disable or Modify System Firewall"),
    ("T1686.001", "Disable or Modify System Firewall: Cloud Firewall"),
    ("TA0001", "Initial Access"),
    ("TA0002", "Execution"),
    ("TA0003", "Persistence"),
    ("TA0004", "Privilege Escalation"),
    ("TA0005", "Stealth"),
    ("TA0006", "Credential Access"),
    ("TA0007", "Discovery"),
    ("TA0008", "Lateral Movement"),
    ("TA0009", "Collection"),
    ("TA0010", "Exfiltration"),
    ("TA0011", "Command and Control"),
    ("TA0040", "Impact"),
    ("TA0042", "Resource Development"),
    ("TA0043", "Reconnaissance"),
    ("TA0112", "Defense Impairment"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_without_doubles() {
        for pair in NAMES.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{} before {}", pair[0].0, pair[1].0);
        }
    }

    #[test]
    fn every_sub_technique_has_its_technique_and_bears_its_name() {
        for (id, sub_name) in NAMES {
            let Some((technique, _)) = id.split_once('.') else { continue };
            let parent = name(technique).unwrap_or_else(|| panic!("{id} without {technique}"));
            assert!(sub_name.starts_with(&format!("{parent}: ")), "{id} {sub_name}");
        }
    }

    #[test]
    fn ids_are_looked_up_whole() {
        assert_eq!(name("TA0006"), Some("Credential Access"));
        let tactics = NAMES.iter().map(|(id, _)| *id).filter(|id| id.starts_with("TA"));
        assert!(tactics.eq(TACTICS.iter().copied().collect::<std::collections::BTreeSet<_>>()));
        assert_eq!(name("T1552.007"), Some("Unsecured Credentials: Container API"));
        for unknown in ["", "T1552.", "T15", "t1552", "T1552.999", "TA0006/T1552"] {
            assert_eq!(name(unknown), None, "{unknown}");
        }
    }
}
