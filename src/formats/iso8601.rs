//! Periods such as `P3Y6M4DT12H30M5S`.

/// A period; each part may be a fraction where the text had one, and all carry the period's sign.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Period {
    pub years: f64,
    pub months: f64,
    pub weeks: f64,
    pub days: f64,
    pub hours: f64,
    pub minutes: f64,
    pub seconds: f64,
}

impl Period {
    /// Parses a period. Only its last part may be a fraction.
    pub fn parse(text: &str) -> Result<Period, String> {
        let (sign, body) = match text.strip_prefix('-') {
            Some(rest) => (-1.0, rest),
            None => (1.0, text.strip_prefix('+').unwrap_or(text)),
        };
        if text.is_empty() {
            return Err("cannot parse a blank string as a period".into());
        }
        if body == "0" {
            return Ok(Period::default());
        }
        let Some(mut rest) = body.strip_prefix('P') else {
            return Err(format!("{text}: expected 'P' period mark at the start"));
        };
        let mut period = Period::default();
        let mut in_time = false;
        let mut parts = 0;
        // The part that has a fraction: no other may follow it.
        let mut fraction = None;
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('T') {
                if in_time {
                    return Err(format!(
                        "{text}: 'T' designator cannot occur more than once"
                    ));
                }
                in_time = true;
                rest = after;
                continue;
            }
            let length = rest
                .find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '-' | '+'))
                .unwrap_or(rest.len());
            let Some(unit) = rest[length..].chars().next() else {
                return Err(format!("{text}: missing designator at the end"));
            };
            let number: f64 = rest[..length]
                .replace(',', ".")
                .parse()
                .map_err(|_| format!("{text}: expected a number but found '{unit}'"))?;
            if let Some(before) = fraction
                && number != 0.0
            {
                return Err(format!(
                    "{text}: '{before}' & '{unit}' only the last field can have a fraction"
                ));
            }
            if number.fract() != 0.0 {
                fraction = Some(unit);
            }
            let number = sign * number;
            match (unit, in_time) {
                ('Y', false) => period.years = number,
                ('M', false) => period.months = number,
                ('W', false) => period.weeks = number,
                ('D', false) => period.days = number,
                ('H', true) => period.hours = number,
                ('M', true) => period.minutes = number,
                ('S', true) => period.seconds = number,
                ('H' | 'S', false) => {
                    return Err(format!("{text}: '{unit}' designator cannot occur here"));
                }
                ('Y' | 'W' | 'D', true) => {
                    return Err(format!("{text}: '{unit}' designator cannot occur here"));
                }
                _ => {
                    return Err(format!(
                        "{text}: expected a designator Y, M, W, D, H, or S not '{unit}'"
                    ));
                }
            }
            parts += 1;
            rest = &rest[length + unit.len_utf8()..];
        }
        if parts == 0 {
            return Err(format!(
                "{text}: expected 'Y', 'M', 'W', 'D', 'H', 'M', or 'S' designator"
            ));
        }
        Ok(period)
    }

    /// The length in nanoseconds, with a year of 365.2425 days and a month of a twelfth of it.
    pub fn nanos(&self) -> i64 {
        const DAY: f64 = 86_400e9;
        const YEAR: f64 = 365.2425 * DAY;
        let total =
            self.years * YEAR + self.months * (YEAR / 12.0) + (self.weeks * 7.0 + self.days) * DAY;
        (total + self.time_nanos() as f64) as i64
    }

    /// The length of hours, minutes and seconds alone, in nanoseconds.
    pub fn time_nanos(&self) -> i64 {
        (self.hours * 3600e9 + self.minutes * 60e9 + self.seconds * 1e9).round() as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_have_their_length() {
        assert_eq!(
            Period::parse("P3Y6M4DT12H30M5S").map(|p| p.nanos()),
            Ok(110_839_937_000_000_000)
        );
        assert_eq!(
            Period::parse("PT2.5S").map(|p| p.nanos()),
            Ok(2_500_000_000)
        );
        assert_eq!(
            Period::parse("-P1D").map(|p| p.nanos()),
            Ok(-86_400_000_000_000)
        );
    }

    #[test]
    fn faults_name_the_text() {
        assert_eq!(
            Period::parse("nope"),
            Err("nope: expected 'P' period mark at the start".into())
        );
        assert_eq!(
            Period::parse("P2.5YT7.5S"),
            Err("P2.5YT7.5S: 'Y' & 'S' only the last field can have a fraction".into())
        );
        assert!(Period::parse("P").is_err());
        assert!(Period::parse("P1H").is_err());
    }

    #[test]
    fn only_the_last_part_may_be_a_fraction() {
        assert_eq!(
            Period::parse("P2.5YT7.5S"),
            Err("P2.5YT7.5S: 'Y' & 'S' only the last field can have a fraction".to_owned())
        );
        assert!(Period::parse("P1DT2.5H").is_ok());
    }
}
