use super::*;
use crate::digest::Digest;

fn mine() -> Digest {
    Digest::of(b"mine")
}

fn other() -> Digest {
    Digest::of(b"other")
}

/// Runs an attempt against a script of answers and gives how it ends.
fn run(answers: &[PutAnswer], found: &[(SlotContent, bool)]) -> Resolution {
    let mut attempt = Attempt::new(mine());
    let (mut answers, mut found) = (answers.iter(), found.iter());
    loop {
        match attempt.step() {
            Step::Put => attempt.answered(*answers.next().expect("the script has an answer")),
            Step::Read => {
                let (content, late) = found.next().expect("the script has a content");
                attempt.found(*content, *late);
            }
            Step::Done(resolution) => return resolution,
        }
    }
}

#[test]
fn a_created_slot_is_won_without_reading() {
    assert_eq!(run(&[PutAnswer::Created], &[]), Resolution::Won);
}

#[test]
fn a_taken_slot_that_holds_my_record_is_won() {
    let found = [(SlotContent::Record(mine()), false)];
    assert_eq!(run(&[PutAnswer::Taken], &found), Resolution::Won);
    assert_eq!(run(&[PutAnswer::Unclear], &found), Resolution::Won);
    assert_eq!(run(&[PutAnswer::Refused], &found), Resolution::Won);
}

#[test]
fn a_taken_slot_that_holds_another_record_is_lost() {
    assert_eq!(run(&[PutAnswer::Taken], &[(SlotContent::Record(other()), false)]), Resolution::Lost);
}

#[test]
fn an_absent_slot_after_an_unclear_answer_is_put_again() {
    let found = [(SlotContent::Absent, false)];
    assert_eq!(run(&[PutAnswer::Unclear, PutAnswer::Created], &found), Resolution::Won);
}

#[test]
fn a_refusal_is_a_failure_only_if_no_request_is_in_doubt() {
    let absent = [(SlotContent::Absent, false), (SlotContent::Absent, true)];
    assert_eq!(run(&[PutAnswer::Refused], &absent), Resolution::Failed);
    assert_eq!(run(&[PutAnswer::Unclear, PutAnswer::Refused], &absent), Resolution::Unknown);
}

#[test]
fn at_the_deadline_an_absent_or_unreadable_slot_is_unknown() {
    assert_eq!(run(&[PutAnswer::Unclear], &[(SlotContent::Absent, true)]), Resolution::Unknown);
    assert_eq!(run(&[PutAnswer::Taken], &[(SlotContent::Unreadable, true)]), Resolution::Unknown);
}
