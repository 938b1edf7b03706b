//! How an event is written for those who are told.

use std::str::FromStr;

use jiff::Timestamp;
use serde_json::{Value, json};

/// How events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// The envelope of docker's registry, in its first version: that of registry 2.
    #[default]
    Docker,
    /// The same with the media type of the second version: that of registry 3.
    DockerV2,
    /// The payload of Docker Hub's webhooks, of pushes only.
    Hub,
}

impl FromStr for Form {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Docker, Self::DockerV2, Self::Hub].into_iter().find(|form| form.name() == text).ok_or(())
    }
}

impl Form {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::DockerV2 => "docker-v2",
            Self::Hub => "hub",
        }
    }

    /// Its media type.
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Self::Docker => "application/vnd.docker.distribution.events.v1+json",
            Self::DockerV2 => "application/vnd.docker.distribution.events.v2+json",
            Self::Hub => "application/json",
        }
    }

    /// The body of the request that tells an event.
    pub(super) fn body(self, event: &Value) -> Vec<u8> {
        let body = match self {
            Self::Docker | Self::DockerV2 => json!({"events": [event]}),
            Self::Hub => hub(event),
        };
        body.to_string().into_bytes()
    }
}

/// The payload of Docker Hub ([webhooks](https://docs.docker.com/docker-hub/repos/manage/webhooks/)). What only Docker
/// Hub knows is empty.
fn hub(event: &Value) -> Value {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let target = &event["target"];
    let (name, tag, url) = (text(&target["repository"]), text(&target["tag"]), text(&target["url"]));
    let at = event["timestamp"].as_str().and_then(|text| text.parse::<Timestamp>().ok());
    let at = at.map(Timestamp::as_second).unwrap_or_default();
    let (namespace, short) = name.rsplit_once('/').unwrap_or(("library", &name));
    let root = url.split("/v2/").next().unwrap_or_default();
    let repository_url = format!("{root}/v2/{name}");
    json!({
        "callback_url": format!("{repository_url}/tags/list"),
        "push_data": {"pushed_at": at, "pusher": text(&event["actor"]["name"]), "tag": tag},
        "repository": {
            "comment_count": 0,
            "date_created": at,
            "description": "",
            "dockerfile": "",
            "full_description": "",
            "is_official": false,
            "is_private": true,
            "is_trusted": false,
            "name": short,
            "namespace": namespace,
            "owner": namespace,
            "repo_name": name,
            "repo_url": repository_url,
            "star_count": 0,
            "status": "Active",
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_docker_hub() {
        let event = json!({
            "timestamp": "2026-11-27T01:00:00Z",
            "actor": {"name": "alice"},
            "target": {"repository": "team/app", "tag": "1", "url": "https://r:5/v2/team/app/manifests/sha256:0"},
        });
        let body: Value = serde_json::from_slice(&Form::Hub.body(&event)).expect("JSON");
        assert_eq!(body["push_data"], json!({"pushed_at": 1_795_741_200, "pusher": "alice", "tag": "1"}));
        assert_eq!(body["repository"]["repo_name"], "team/app");
        assert_eq!(body["repository"]["name"], "app");
        assert_eq!(body["repository"]["namespace"], "team");
        assert_eq!(body["repository"]["repo_url"], "https://r:5/v2/team/app");
    }
}
