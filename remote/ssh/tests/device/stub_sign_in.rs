//! Passwords and questions.

use remote_messages::ssh::{Ended, Prompt, Prompts, SignIn, ToPage, ToWorker};

use crate::client::Client;
use crate::server::stranger;
use crate::stub::{CODE, PASSWORD, Policy, serve};

async fn connected(policy: Policy) -> Client {
    let client = Client::over(serve(policy), "user", &[]);
    assert!(matches!(client.told().await, ToPage::HostKeyUnknown(_)));
    client.say(ToWorker::TrustHostKey);
    client
}

fn password(client: &Client, password: &str) {
    client.say(ToWorker::Password {
        password: password.into(),
    });
}

fn answer(client: &Client, answer: &str) {
    client.say(ToWorker::Answers {
        answers: vec![answer.into()],
    });
}

async fn sign_in(client: &Client) -> SignIn {
    match client.told().await {
        ToPage::SignIn(sign_in) => sign_in,
        told => panic!("{told:?}"),
    }
}

fn asks(text: &str, echo: bool) -> Option<Prompts> {
    Some(Prompts {
        title: String::new(),
        text: "two\nlines".into(),
        fields: vec![Prompt {
            text: text.into(),
            echo,
        }],
    })
}

/// The stub has no shell: that it is refused says that the sign-in succeeded.
async fn has_signed_in(client: Client) {
    assert_eq!(client.ended().await, Ended::NoShell);
}

#[tokio::test]
async fn a_wrong_password_may_be_followed_by_the_right_one() {
    let client = connected(Policy::Password).await;
    let first = sign_in(&client).await;
    assert!(first.password && !first.key && !first.refused);
    password(&client, "wrong");
    assert!(sign_in(&client).await.refused);
    password(&client, PASSWORD);
    has_signed_in(client).await;
}

#[tokio::test]
async fn a_question_is_shown_and_answered() {
    let client = connected(Policy::Question).await;
    let first = sign_in(&client).await;
    assert!(!first.password && !first.refused);
    assert_eq!(first.prompts, asks("Password: ", false));
    answer(&client, "wrong");
    let again = sign_in(&client).await;
    assert!(again.refused);
    assert_eq!(again.prompts, asks("Password: ", false));
    answer(&client, PASSWORD);
    has_signed_in(client).await;
}

#[tokio::test]
async fn a_question_may_be_left_for_a_key() {
    let client = connected(Policy::Question).await;
    assert!(sign_in(&client).await.key);
    client.key(&stranger().0, None);
    // The key was tried and refused: the question is there again.
    let again = sign_in(&client).await;
    assert!(again.refused);
    answer(&client, PASSWORD);
    has_signed_in(client).await;
}

#[tokio::test]
async fn a_password_leads_to_the_second_factor() {
    let client = connected(Policy::SecondFactor).await;
    let first = sign_in(&client).await;
    assert!(first.password);
    assert_eq!(first.prompts, None);
    password(&client, PASSWORD);
    assert_eq!(sign_in(&client).await.prompts, asks("Code: ", true));
    answer(&client, CODE);
    has_signed_in(client).await;
}

#[tokio::test]
async fn a_password_passes_where_nobody_asks() {
    let client = connected(Policy::NobodyAsks).await;
    assert!(sign_in(&client).await.password);
    password(&client, PASSWORD);
    has_signed_in(client).await;
}

#[tokio::test]
async fn a_partial_success_is_no_refusal() {
    let client = connected(Policy::Both).await;
    assert!(sign_in(&client).await.password);
    password(&client, PASSWORD);
    let next = sign_in(&client).await;
    assert!(!next.refused && !next.password);
    assert_eq!(next.prompts, asks("Code: ", true));
    answer(&client, CODE);
    has_signed_in(client).await;
}

#[tokio::test]
async fn a_question_can_be_closed() {
    let client = connected(Policy::Question).await;
    sign_in(&client).await;
    client.say(ToWorker::Close);
    assert_eq!(client.ended().await, Ended::Closed);
}
