//! The shell's commands, through a pipe.

use crate::run::Run;

#[test]
fn modes_switch_within_a_script() {
    let script = "\
.mode csv
select 1 as a, 'x' as b;
.mode json
select 1 as a, 'x' as b;
.mode line
select 1 as a, 'x' as b;
.mode box
select 1 as a, 'x' as b;
.mode markdown
select 1 as a, 'x' as b;
.mode table
\\x
select 1 as a, 'x' as b;
\\x
select 1 as a, 'x' as b;
";
    Run::new().run_with_input(&["sql"], script).is_snapshot("shell_modes");
}

#[test]
fn help_lists_the_commands() {
    Run::new().run_with_input(&["sql"], ".help\n").is_snapshot("shell_help");
}

#[test]
fn a_wrong_command_ends_a_script_with_a_near_name() {
    Run::new().run_with_input(&["sql"], ".tabels\nselect 1;\n").is_snapshot("shell_unknown");
}

#[test]
fn output_goes_to_a_file_and_back() {
    let run = Run::new();
    let script = ".mode csv\n.output a.csv\nselect 1 as a;\n\\o\nselect 2 as b;\n";
    let ended = run.run_with_input(&["sql"], script);
    assert_eq!(ended.done(), "b\n2\n");
    assert_eq!(run.read("a.csv"), "a\n1\n");
}

#[test]
fn files_read_files_but_not_without_end() {
    let run = Run::new();
    run.write("outer.sql", ".mode csv\n.read inner.sql\nselect 2 as b;\n");
    run.write("inner.sql", "select 1 as a");
    assert_eq!(run.run_with_input(&["sql"], "\\i outer.sql\n").done(), "a\n1\nb\n2\n");
    run.write("self.sql", ".read self.sql\n");
    let ended = run.run_with_input(&["sql"], ".read self.sql\n");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("does self.sql read itself?"), "{}", ended.stderr);
    let ended = run.run_with_input(&["sql"], ".read missing.sql\n");
    assert_eq!(ended.code, 2);
}

#[test]
fn quit_ends_a_script() {
    let ended =
        Run::new().run_with_input(&["sql", "--format", "csv"], "select 1 as a;\n.quit\nx;\n");
    assert_eq!(ended.done(), "a\n1\n");
}

#[test]
fn the_timer_speaks_on_stderr() {
    let script = ".timer on\n.mode csv\nselect 1 as a;\n";
    let ended = Run::new().run_with_input(&["sql"], script);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "a\n1\n"));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines[0], "Timing is on.");
    assert!(lines[1].starts_with("Time: ") && lines[1].ends_with(" s, 1 row"), "{}", lines[1]);
}

#[test]
fn a_missing_table_is_said_with_the_way_out() {
    let ended = Run::new().run_with_input(&["sql"], "\\d no_such_table_anywhere\n");
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("there is no table or view no_such_table_anywhere"));
    assert!(ended.stderr.contains(".tables lists what there is"));
}

#[test]
fn the_catalog_is_listed_in_the_mode_of_the_shell() {
    let script = ".mode csv\n\\dt\n\\dv sav*\n\\d actual_cost\n";
    let ended = Run::new().run_with_input(&["sql"], script);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    for line in ["\nactual_cost,table,", "\nsavings,view,", "\ncost_in_billing_currency,"] {
        assert!(ended.stdout.contains(line), "{line:?} in {}", ended.stdout);
    }
    let ended = Run::new().run_with_input(&["sql"], ".schema savings\n");
    assert!(ended.done().contains("view savings (\n"), "{}", ended.stdout);
}
