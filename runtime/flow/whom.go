package flow

import (
	"errors"

	"github.com/flowrun/flowrun/runtime/setting"
)

// Topics says what the connections of a connector are told beside replies: what
// is delivered by topic.
type Topics struct {
	Initial          Expr         `hcl:"initial" of:"connection" doc:"topics that a connection subscribes to when it opens: a string, a list of strings, or null for none. Of what is known then there is peer"`
	Subscribe        Expr         `hcl:"subscribe" doc:"computed for each event that a client sends: the topics that it subscribes to by it, likewise; null when it says nothing about that"`
	Unsubscribe      Expr         `hcl:"unsubscribe" doc:"likewise: the subscriptions that end, spelled as they were made"`
	Allow            Expr         `hcl:"allow" of:"connection" vars:"topic" doc:"whether peer may subscribe to topic; without it, everybody may to everything"`
	Match            string       `hcl:"match" oneof:"exact|glob|cidr" doc:"how subscriptions and topics are compared: they are the same; * in a subscription stands for any characters and ? for one; both are addresses or prefixes, and one contains the other"`
	MaxPerConnection int          `hcl:"max_per_connection" min:"1" doc:"subscriptions that one connection may have; one more is refused, and so is a message that asks for more at once"`
	MaxLength        setting.Size `hcl:"max_length" min:"1B" doc:"longest subscription, and longest topic of a message"`
	MaxPerMessage    int          `hcl:"max_per_message" min:"1" doc:"topics that one message may have"`
	History          *History     `hcl:"history" doc:"keeps what was delivered by topic lately, for those who subscribe later"`
}

// SetDefaults implements Defaulter.
func (t *Topics) SetDefaults() {
	*t = Topics{Match: "exact", MaxPerConnection: 100, MaxLength: 256, MaxPerMessage: 1000}
}

// Check reports what makes the block pointless where clients say something: nothing
// for nil. It is called by New.
func (t *Topics) Check() error {
	if t == nil {
		return nil
	}
	const names = OfText | OfList
	problems := []error{
		MustBe("topics.initial", t.Initial, names),
		MustBe("topics.subscribe", t.Subscribe, names),
		MustBe("topics.unsubscribe", t.Unsubscribe, names),
	}
	if t.Initial == nil && t.Subscribe == nil {
		problems = append(problems, &setting.Error{Field: "topics", Err: errors.New("topics needs initial or subscribe: nobody could subscribe to anything")})
	}
	return errors.Join(problems...)
}

// History bounds what is kept of topics. Over a limit the oldest goes.
type History struct {
	Size      int              `hcl:"size" min:"1" doc:"messages kept of each topic"`
	Age       setting.Duration `hcl:"age" min:"0s" doc:"how long a message is kept; 0s for as long as the other limits allow"`
	MaxTopics int              `hcl:"max_topics" min:"1" doc:"topics of which messages are kept: those published last"`
	MaxBytes  setting.Size     `hcl:"max_bytes" min:"1B" doc:"size of all messages that are kept, and of the names of their topics"`
}

// SetDefaults implements Defaulter.
func (h *History) SetDefaults() { h.Size, h.MaxTopics, h.MaxBytes = 100, 10_000, 64<<20 }

// Sessions says who the connections of a connector belong to, and how many
// connections one may have.
type Sessions struct {
	Key        Expr   `hcl:"key" required:"true" of:"connection" doc:"whose connection it is, a string or a number made of peer. Null is nobody: then nothing here applies"`
	MaxPerKey  int    `hcl:"max_per_key" min:"1" doc:"connections of the same key at a time"`
	OnConflict string `hcl:"on_conflict" oneof:"reject|replace" doc:"one more is refused, or takes the place of the oldest, which is closed"`
}

// Check is that of Topics.
func (s *Sessions) Check() error {
	if s == nil {
		return nil
	}
	return MustBe("sessions.key", s.Key, OfText|OfNumber|OfBool)
}

// SetDefaults implements Defaulter.
func (s *Sessions) SetDefaults() { s.MaxPerKey, s.OnConflict = 1, "reject" }
