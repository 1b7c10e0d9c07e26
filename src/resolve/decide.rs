//! Which of the rules that name a host answers, and why the others do not. One function decides for the helpers and
//! explains for `which`, so that the two cannot differ.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use super::Error;
use super::account::{Chosen, account};
use super::rule::{For, Rule, rules_naming};
use crate::service::{Account, Origin, Service, Services, is_service_name, pattern::Fit};
use crate::shown;
use crate::suggest::{self, Suggestion};
use crate::target::{Authority, Target};

/// The outcome, and every rule that names the target's host, the better ones first.
#[derive(Debug)]
pub struct Decision<'a> {
    /// Each rule with what became of it.
    pub considered: Vec<(Rule<'a>, Verdict)>,
    /// The rule that answers and the account it answers with.
    pub outcome: Result<Answer<'a>, Error>,
}

/// Who answers.
#[derive(Debug, Clone)]
pub struct Answer<'a> {
    /// By which rule.
    pub rule: Rule<'a>,
    /// With whose token.
    pub account: Account,
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It answers.
    Answers,
    /// Another is as good, so none answers.
    Tied,
    /// It is for another scheme.
    OtherScheme,
    /// It is for another port.
    OtherPort,
    /// It is for another path.
    OtherPath,
    /// It is for a whole host, and another provider claims the path on it.
    OtherProvider,
    /// It is for another account than the one asked for.
    OtherAccount,
    /// `sync` found the service, and one that the user wrote claims the target as well.
    YieldsToUser,
    /// The user prefers another service there.
    NotPreferred,
    /// Rules of a better source match.
    WorseSource,
    /// A rule of the same source names the target more closely.
    LessPrecise,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Answers => "answers",
            Self::Tied => "as good as another, so neither answers",
            Self::OtherScheme => "another scheme",
            Self::OtherPort => "another port",
            Self::OtherPath => "another path",
            Self::OtherProvider => "another provider has this path",
            Self::OtherAccount => "not the account asked for",
            Self::YieldsToUser => "found by sync, yields to a service that you configured",
            Self::NotPreferred => "as good as another, which you prefer there",
            Self::WorseSource => "a rule of a better source matches",
            Self::LessPrecise => "another rule names the target more closely",
        })
    }
}

/// Decides who answers for `target`: source first, then exact hosts before stars, then the longer path. `own` are the
/// environments' hosts, which nobody may claim.
pub fn decide<'a>(services: &'a Services, target: &Target, chosen: &Chosen<'_>, own: &[Authority]) -> Decision<'a> {
    if own.iter().any(|own| is_same_place(own, &target.authority)) {
        return Decision { considered: Vec::new(), outcome: Err(Error::OwnHost(target.authority.to_string())) };
    }
    // A name that we answer ourselves and that comes back names nobody.
    let chosen = &Chosen { username: chosen.telling_username(), ..*chosen };
    let rank = |rule: &Rule<'_>| (rule.source, Reverse(rule.pattern.precision(target)));
    let mut contest = Contest { services, target, chosen, rules: rules_naming(services, target), verdicts: Vec::new() };
    contest.rules.sort_by_key(|rule| (!rule.matches(target), rank(rule)));
    contest.verdicts = contest.rules.iter().map(|rule| misfit(rule, target)).collect();
    let outcome = contest.decide();
    let verdicts = contest.verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Tied));
    Decision { considered: contest.rules.into_iter().zip(verdicts).collect(), outcome }
}

fn misfit(rule: &Rule<'_>, target: &Target) -> Option<Verdict> {
    match rule.fit(target) {
        Fit::Matches => None,
        Fit::OtherScheme => Some(Verdict::OtherScheme),
        Fit::OtherPort => Some(Verdict::OtherPort),
        Fit::OtherPath | Fit::OtherHost => Some(Verdict::OtherPath),
        Fit::OtherProvider => Some(Verdict::OtherProvider),
    }
}

/// Loopback hosts tell servers apart by port; elsewhere a host is a host.
fn is_same_place(own: &Authority, asked: &Authority) -> bool {
    own.host == asked.host && (own.port == asked.port || !own.is_loopback())
}

/// The rules, best first, and those that are out already.
struct Contest<'a, 'b> {
    services: &'a Services,
    target: &'b Target,
    chosen: &'b Chosen<'b>,
    rules: Vec<Rule<'a>>,
    verdicts: Vec<Option<Verdict>>,
}

impl<'a> Contest<'a, '_> {
    fn decide(&mut self) -> Result<Answer<'a>, Error> {
        if self.open().next().is_none() {
            return Err(Error::Nobody(self.target.to_string()));
        }
        if self.open().any(|at| self.rules[at].service.origin == Origin::User) {
            self.drop_where(Verdict::YieldsToUser, |rule| rule.service.origin == Origin::Sync);
        }
        self.keep_the_account()?;
        let Some(best) = self.open().next() else { return Err(Error::Nobody(self.target.to_string())) };
        let (target, source) = (self.target, self.rules[best].source);
        let precision = self.rules[best].pattern.precision(target);
        self.drop_where(Verdict::WorseSource, |rule| rule.source != source);
        self.drop_where(Verdict::LessPrecise, |rule| rule.pattern.precision(target) != precision);
        self.keep_the_preferred();
        let winner = self.whole_host_over_equals().map_or_else(|| self.winner(), Ok)?;
        self.verdicts[winner] = Some(Verdict::Answers);
        let rule = self.rules[winner].clone();
        self.drop_where(Verdict::LessPrecise, |_| true);
        let account = self.account(&rule).ok_or_else(|| Error::Nobody(self.target.to_string()))?;
        Ok(Answer { rule, account })
    }

    /// Of several services that are equally good, the one that the user prefers there.
    fn keep_the_preferred(&mut self) {
        let target = self.target;
        // How closely it is preferred: the longer path comes first here, too.
        let closeness = |service: &Service| {
            let places = service.preferred_for.iter().filter(|place| place.claims(target));
            places.map(|place| place.precision(target)).max()
        };
        let equals: Vec<usize> = self.open().collect();
        let services = self.services(&equals).into_iter();
        let preferred: Vec<_> = services.filter_map(|service| Some((closeness(service)?, service))).collect();
        let Some(best) = preferred.iter().map(|(closeness, _)| *closeness).max() else { return };
        let mut best = preferred.iter().filter(|(closeness, _)| *closeness == best).map(|(_, service)| *service);
        if let (Some(one), None) = (best.next(), best.next()) {
            self.drop_where(Verdict::NotPreferred, |rule| rule.service.name != one.name);
        }
    }

    /// Where several services are equally good, the one whose token is good for the whole host: Microsoft 365 for what Outlook and
    /// OneDrive may read alike.
    fn whole_host_over_equals(&mut self) -> Option<usize> {
        let equals: Vec<usize> = self.open().collect();
        if self.services(&equals).len() < 2 {
            return None;
        }
        let source = self.rules[equals[0]].source;
        let is_whole = |rule: &Rule<'_>| rule.source == source && rule.service.row().is_some_and(|row| row.whole_host);
        let less_precise = |at: &usize| self.verdicts[*at] == Some(Verdict::LessPrecise) && is_whole(&self.rules[*at]);
        let mut whole = (0..self.rules.len()).filter(less_precise);
        let (found, None) = (whole.next()?, whole.next()) else { return None };
        self.drop_where(Verdict::Tied, |_| true);
        Some(found)
    }

    fn open(&self) -> impl Iterator<Item = usize> {
        self.verdicts.iter().enumerate().filter(|(_, verdict)| verdict.is_none()).map(|(at, _)| at)
    }

    fn drop_where(&mut self, verdict: Verdict, is_out: impl Fn(&Rule<'a>) -> bool) {
        for (rule, place) in self.rules.iter().zip(&mut self.verdicts) {
            if place.is_none() && is_out(rule) {
                *place = Some(verdict);
            }
        }
    }

    fn account(&self, rule: &Rule<'a>) -> Option<Account> {
        account(rule.service, rule.account.identifier(), self.chosen)
    }

    /// Leaves the rules that can answer with the account asked for.
    fn keep_the_account(&mut self) -> Result<(), Error> {
        let before: Vec<usize> = self.open().collect();
        if let Some(username) = self.chosen.username {
            if before.iter().any(|at| self.rules[*at].service.account_called(username).is_some()) {
                self.drop_where(Verdict::OtherAccount, |rule| rule.service.account_called(username).is_none());
            } else if !is_placeholder(username)
                && !self.names_one_by_path()
                && count_accounts(self.services(&before)) > 1
            {
                self.drop_where(Verdict::OtherAccount, |_| true);
                return Err(self.no_such_account(&before, username));
            }
        }
        let fits: Vec<bool> = self
            .rules
            .iter()
            .map(|rule| match (self.account(rule), rule.account) {
                (Some(account), For::Only(identifier)) => account.identifier == identifier,
                (account, _) => account.is_some(),
            })
            .collect();
        for (fits, place) in fits.into_iter().zip(&mut self.verdicts) {
            if place.is_none() && !fits {
                *place = Some(Verdict::OtherAccount);
            }
        }
        if self.open().next().is_none() {
            let Chosen { name, identifier, username, .. } = self.chosen;
            return Err(self.no_such_account(&before, name.or(*identifier).or(*username).unwrap_or_default()));
        }
        Ok(())
    }

    /// Whether the best of the rules are for a path, and for one account. A user name that nobody goes by gives way to it, as
    /// the organization in Azure DevOps' own clone URLs, `https://ORG@dev.azure.com/ORG/...`.
    fn names_one_by_path(&self) -> bool {
        let Some(best) = self.open().next().map(|at| &self.rules[at]) else { return false };
        let precision = best.pattern.precision(self.target);
        let equals = self.open().map(|at| &self.rules[at]);
        let equals: Vec<&Rule<'_>> = equals
            .filter(|rule| rule.source == best.source && rule.pattern.precision(self.target) == precision)
            .collect();
        let is_same = |rule: &&Rule<'_>| rule.service.name == best.service.name && rule.account == best.account;
        best.pattern.has_path()
            && equals.iter().all(is_same)
            && (best.account != For::Any || count_accounts([best.service]) == 1)
    }

    fn services(&self, rules: &[usize]) -> Vec<&'a Service> {
        let mut seen = BTreeSet::new();
        let all = rules.iter().map(|at| self.rules[*at].service);
        all.filter(|service| seen.insert(service.name.as_str())).collect()
    }

    fn names(&self, rules: &[usize]) -> String {
        self.services(rules).iter().map(|service| service.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn no_such_account(&self, rules: &[usize], username: &str) -> Error {
        let service = self.rules[rules[0]].service;
        let config = suggest::config(service);
        let shown = if self.chosen.username == Some(username) { shown::name(username) } else { username };
        let command = match service.accounts.iter().find(|account| account.is_called(username)) {
            // The account is there, and the host is another's.
            Some(account) => config.option("--as", &account.name).option("--host", self.target.authority.to_string()),
            None if shown != username => config.option("--identifier", "IDENTIFIER").option("--as", "NAME"),
            None if is_service_name(username) => config.option("--identifier", "IDENTIFIER").option("--as", username),
            // No short name; an identifier it may be.
            None => config.option("--identifier", username).option("--as", "NAME"),
        };
        Error::NoSuchAccount {
            target: self.target.to_string(),
            username: shown.to_owned(),
            services: self.names(rules),
            command,
        }
    }

    /// The one rule among those that are left and equally good.
    fn winner(&self) -> Result<usize, Error> {
        let equals: Vec<usize> = self.open().collect();
        if let Some(unusable) = equals.iter().find_map(|at| self.services.unusable(&self.rules[*at].service.name)) {
            return Err(Error::unusable(unusable));
        }
        let service = self.rules[equals[0]].service;
        let ambiguous = |what: String, command: Suggestion, settled: Option<Suggestion>| Error::Ambiguous {
            target: self.target.to_string(),
            what,
            command,
            settled,
        };
        if self.services(&equals).len() > 1 {
            let command = suggest::config(service).option("--host", self.target.authority.to_string());
            let settled = suggest::use_for(&service.name, &self.target.authority.to_string());
            return Err(ambiguous(format!("the services {}", self.names(&equals)), command, Some(settled)));
        }
        // Several rules of one service: a tenant's host that two accounts share.
        let usual = account(service, None, self.chosen).map(|account| account.identifier);
        let is_usual = |at: &usize| self.rules[*at].account.identifier() == usual.as_deref();
        if let Some(at) = equals.iter().find(|at| is_usual(at)) {
            return Ok(*at);
        }
        let mut accounts: Vec<&str> = equals.iter().filter_map(|at| self.rules[*at].account.identifier()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        if accounts.len() > 1 {
            let target = self.target.to_string();
            let command = suggest::token(&target).option("--identifier", accounts[0]);
            return Err(ambiguous(format!("the accounts {} of {}", accounts.join(", "), service.name), command, None));
        }
        Ok(equals[0])
    }
}

/// How many accounts the services have that a user name could mean.
fn count_accounts<'a>(services: impl IntoIterator<Item = &'a Service>) -> usize {
    let accounts = |service: &'a Service| service.identifiers().collect::<BTreeSet<_>>().len().max(1);
    services.into_iter().map(accounts).sum()
}

/// Whether git hosts put `username` in the place of a name, so that it says nothing about the account.
fn is_placeholder(username: &str) -> bool {
    // ssh's user, GitLab's CI jobs, GitHub's and Bitbucket's API tokens.
    ["git", "gitlab-ci-token", "x-oauth-basic", "x-bitbucket-api-token-auth"].contains(&username)
}
