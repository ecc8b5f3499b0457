//! The runbook pages, part of the program: `explain` works without network and without the repository.

use super::Runbook;
use crate::findings::Code;

/// Every page of docs/findings, sorted by code.
pub static PAGES: &[Runbook] = &[
    page(1, include_str!("../../docs/findings/HD001.md")),
    page(2, include_str!("../../docs/findings/HD002.md")),
    page(3, include_str!("../../docs/findings/HD003.md")),
    page(4, include_str!("../../docs/findings/HD004.md")),
    page(5, include_str!("../../docs/findings/HD005.md")),
    page(6, include_str!("../../docs/findings/HD006.md")),
    page(7, include_str!("../../docs/findings/HD007.md")),
    page(8, include_str!("../../docs/findings/HD008.md")),
    page(9, include_str!("../../docs/findings/HD009.md")),
    page(10, include_str!("../../docs/findings/HD010.md")),
    page(11, include_str!("../../docs/findings/HD011.md")),
    page(12, include_str!("../../docs/findings/HD012.md")),
    page(13, include_str!("../../docs/findings/HD013.md")),
    page(14, include_str!("../../docs/findings/HD014.md")),
    page(15, include_str!("../../docs/findings/HD015.md")),
    page(16, include_str!("../../docs/findings/HD016.md")),
    page(17, include_str!("../../docs/findings/HD017.md")),
    page(18, include_str!("../../docs/findings/HD018.md")),
    page(19, include_str!("../../docs/findings/HD019.md")),
    page(20, include_str!("../../docs/findings/HD020.md")),
    page(21, include_str!("../../docs/findings/HD021.md")),
    page(22, include_str!("../../docs/findings/HD022.md")),
    page(101, include_str!("../../docs/findings/HD101.md")),
    page(102, include_str!("../../docs/findings/HD102.md")),
    page(103, include_str!("../../docs/findings/HD103.md")),
    page(104, include_str!("../../docs/findings/HD104.md")),
    page(105, include_str!("../../docs/findings/HD105.md")),
    page(106, include_str!("../../docs/findings/HD106.md")),
    page(107, include_str!("../../docs/findings/HD107.md")),
    page(201, include_str!("../../docs/findings/HD201.md")),
    page(202, include_str!("../../docs/findings/HD202.md")),
    page(203, include_str!("../../docs/findings/HD203.md")),
    page(204, include_str!("../../docs/findings/HD204.md")),
    page(205, include_str!("../../docs/findings/HD205.md")),
    page(206, include_str!("../../docs/findings/HD206.md")),
    page(207, include_str!("../../docs/findings/HD207.md")),
    page(208, include_str!("../../docs/findings/HD208.md")),
    page(209, include_str!("../../docs/findings/HD209.md")),
    page(210, include_str!("../../docs/findings/HD210.md")),
    page(211, include_str!("../../docs/findings/HD211.md")),
    page(212, include_str!("../../docs/findings/HD212.md")),
    page(213, include_str!("../../docs/findings/HD213.md")),
    page(301, include_str!("../../docs/findings/HD301.md")),
    page(302, include_str!("../../docs/findings/HD302.md")),
    page(303, include_str!("../../docs/findings/HD303.md")),
    page(304, include_str!("../../docs/findings/HD304.md")),
    page(305, include_str!("../../docs/findings/HD305.md")),
    page(306, include_str!("../../docs/findings/HD306.md")),
    page(307, include_str!("../../docs/findings/HD307.md")),
    page(308, include_str!("../../docs/findings/HD308.md")),
    page(309, include_str!("../../docs/findings/HD309.md")),
    page(310, include_str!("../../docs/findings/HD310.md")),
    page(311, include_str!("../../docs/findings/HD311.md")),
    page(312, include_str!("../../docs/findings/HD312.md")),
    page(313, include_str!("../../docs/findings/HD313.md")),
    page(314, include_str!("../../docs/findings/HD314.md")),
    page(315, include_str!("../../docs/findings/HD315.md")),
    page(316, include_str!("../../docs/findings/HD316.md")),
    page(317, include_str!("../../docs/findings/HD317.md")),
    page(318, include_str!("../../docs/findings/HD318.md")),
    page(401, include_str!("../../docs/findings/HD401.md")),
    page(402, include_str!("../../docs/findings/HD402.md")),
    page(403, include_str!("../../docs/findings/HD403.md")),
    page(404, include_str!("../../docs/findings/HD404.md")),
    page(405, include_str!("../../docs/findings/HD405.md")),
    page(406, include_str!("../../docs/findings/HD406.md")),
    page(407, include_str!("../../docs/findings/HD407.md")),
    page(408, include_str!("../../docs/findings/HD408.md")),
    page(409, include_str!("../../docs/findings/HD409.md")),
    page(410, include_str!("../../docs/findings/HD410.md")),
    page(411, include_str!("../../docs/findings/HD411.md")),
    page(501, include_str!("../../docs/findings/HD501.md")),
    page(502, include_str!("../../docs/findings/HD502.md")),
    page(503, include_str!("../../docs/findings/HD503.md")),
    page(504, include_str!("../../docs/findings/HD504.md")),
    page(505, include_str!("../../docs/findings/HD505.md")),
    page(506, include_str!("../../docs/findings/HD506.md")),
    page(507, include_str!("../../docs/findings/HD507.md")),
    page(508, include_str!("../../docs/findings/HD508.md")),
    page(509, include_str!("../../docs/findings/HD509.md")),
    page(510, include_str!("../../docs/findings/HD510.md")),
    page(601, include_str!("../../docs/findings/HD601.md")),
    page(602, include_str!("../../docs/findings/HD602.md")),
    page(603, include_str!("../../docs/findings/HD603.md")),
    page(604, include_str!("../../docs/findings/HD604.md")),
    page(605, include_str!("../../docs/findings/HD605.md")),
    page(606, include_str!("../../docs/findings/HD606.md")),
    page(607, include_str!("../../docs/findings/HD607.md")),
    page(608, include_str!("../../docs/findings/HD608.md")),
    page(609, include_str!("../../docs/findings/HD609.md")),
    page(610, include_str!("../../docs/findings/HD610.md")),
    page(611, include_str!("../../docs/findings/HD611.md")),
    page(612, include_str!("../../docs/findings/HD612.md")),
    page(613, include_str!("../../docs/findings/HD613.md")),
    page(614, include_str!("../../docs/findings/HD614.md")),
    page(615, include_str!("../../docs/findings/HD615.md")),
    page(616, include_str!("../../docs/findings/HD616.md")),
    page(617, include_str!("../../docs/findings/HD617.md")),
    page(618, include_str!("../../docs/findings/HD618.md")),
    page(619, include_str!("../../docs/findings/HD619.md")),
    page(620, include_str!("../../docs/findings/HD620.md")),
    page(621, include_str!("../../docs/findings/HD621.md")),
    page(701, include_str!("../../docs/findings/HD701.md")),
    page(702, include_str!("../../docs/findings/HD702.md")),
    page(703, include_str!("../../docs/findings/HD703.md")),
    page(704, include_str!("../../docs/findings/HD704.md")),
    page(705, include_str!("../../docs/findings/HD705.md")),
    page(706, include_str!("../../docs/findings/HD706.md")),
    page(707, include_str!("../../docs/findings/HD707.md")),
    page(801, include_str!("../../docs/findings/HD801.md")),
    page(802, include_str!("../../docs/findings/HD802.md")),
    page(803, include_str!("../../docs/findings/HD803.md")),
    page(804, include_str!("../../docs/findings/HD804.md")),
    page(805, include_str!("../../docs/findings/HD805.md")),
    page(806, include_str!("../../docs/findings/HD806.md")),
    page(807, include_str!("../../docs/findings/HD807.md")),
    page(808, include_str!("../../docs/findings/HD808.md")),
    page(901, include_str!("../../docs/findings/HD901.md")),
    page(902, include_str!("../../docs/findings/HD902.md")),
    page(903, include_str!("../../docs/findings/HD903.md")),
    page(904, include_str!("../../docs/findings/HD904.md")),
    page(999, include_str!("../../docs/findings/HD999.md")),
];

const fn page(code: u16, text: &'static str) -> Runbook {
    Runbook { code: Code(code), text }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::PAGES;
    use crate::findings::rules;

    #[test]
    fn the_table_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort();
        let pages: Vec<String> = PAGES.iter().map(|page| format!("{}.md", page.code)).collect();
        assert_eq!(pages, files);
    }

    #[test]
    fn each_page_begins_with_its_code_its_name_and_one_sentence() {
        for page in PAGES {
            let title = format!("# {} {}\n\n", page.code, page.name());
            assert!(page.text.starts_with(&title), "{}", page.code);
            assert!(page.summary().ends_with('.'), "{}: {}", page.code, page.summary());
            assert!(page.section(super::super::FIX).is_some(), "{}", page.code);
        }
    }

    #[test]
    fn a_rule_and_its_page_agree() {
        for rule in rules() {
            let page = PAGES.iter().find(|page| page.code == rule.code);
            let page = page.unwrap_or_else(|| panic!("{} has no page", rule.code));
            assert_eq!(page.name(), rule.name);
            assert_eq!(page.text, rule.explain, "{}", rule.code);
        }
    }
}
