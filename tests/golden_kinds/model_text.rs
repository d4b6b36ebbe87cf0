//! Golden cases of the text encoder.

use engine::graph::reference::Inputs;
use engine::model::text;

use super::{Machine, compare, text_part};
use crate::case::{Case, Golden, Report};

pub fn causal(golden: &Golden, case: &Case, report: &mut Report) {
    let part = text_part(golden, case);
    let ids = case.tensor("input_ids");
    let shape = [ids.shape[0], ids.shape[1], part.config.stack.hidden];
    let ids = ids.ids.as_ref().expect("token ids are whole numbers");
    let ids: Vec<u32> = ids.iter().map(|&it| u32::try_from(it).expect("token ids count from 0")).collect();
    let embedded = text::embed(&part.config, &part.weights, &ids).unwrap_or_else(|error| panic!("{error}"));
    for machine in Machine::ALL {
        compare(report, case, machine, "embedded", &embedded);
        let inputs = Inputs::new().with("embedded", &shape, embedded.clone());
        let out = machine.run(&text::graph(&part.config), &inputs, &part.weights);
        out.compare(report, case, "hidden", "last_hidden_state");
    }
}
