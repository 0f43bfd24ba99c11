//! The adit-fault program: the real adit-server and adit-agent in network namespaces of their own,
//! and what networks and machines do to them. As root.
//!
//! Each case has two namespaces with a cable between them. The program starts itself again inside
//! of the server's: from there it is a user of the server, and pulls at the cable.

#![expect(clippy::print_stdout, reason = "a report is for people")]

mod cases;
mod client;
mod clock;
mod device;
mod machine;
mod names;
mod namespace;
mod network;
mod outage;
mod place;
mod processes;
mod stalled;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

use cases::CASES;

/// The real server and agent in network namespaces: what bad networks do to them.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    /// Only these; all when none is named.
    names: Vec<String>,
    /// Only those that are quick enough for every test run.
    #[arg(long)]
    quick: bool,
    /// Names the cases and ends.
    #[arg(long)]
    list: bool,
    /// How many cases run at a time.
    #[arg(long, default_value_t = 6)]
    jobs: usize,
}

#[derive(clap::Subcommand)]
enum Role {
    /// One case, inside of its server's namespace.
    #[command(hide = true)]
    Case { name: String, id: String },
    /// The device's services.
    #[command(hide = true)]
    Device,
}

#[tokio::main]
async fn main() -> ExitCode {
    match perform(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            println!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(arguments: Arguments) -> Result<ExitCode> {
    match arguments.role {
        Some(Role::Device) => return device::serve().await.map(|()| ExitCode::SUCCESS),
        Some(Role::Case { name, id }) => {
            println!("{}", cases::run(&name, &id).await?);
            return Ok(ExitCode::SUCCESS);
        }
        None => {}
    }
    if arguments.list {
        for case in CASES {
            println!("{:<18} {}", case.name, case.about);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = cases::chosen(&arguments.names, arguments.quick)?;
    if let Err(reason) = namespace::is_possible().await {
        // No failure: where nobody may make a network, none can be bad.
        println!("skipped: {reason:#}");
        return Ok(ExitCode::SUCCESS);
    }
    let all_passed = tokio::select! {
        all_passed = cases::run_all(&chosen, arguments.jobs.max(1)) => all_passed?,
        // What runs ends here, and its namespaces with it.
        interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| false)?,
    };
    Ok(if all_passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
