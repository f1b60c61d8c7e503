package kafka

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"journalpump/internal/conf"
)

func parse(t *testing.T, config string) (*Config, string) {
	t.Helper()
	o, report := conf.Parse("test.json", []byte(config))
	cfg := DefaultConfig()
	if o.Decode(cfg) {
		cfg.Validate(o)
	}
	problems := make([]string, 0, len(report.Problems()))
	for _, p := range report.Problems() {
		problems = append(problems, p.String())
	}
	return cfg, strings.Join(problems, "\n")
}

func TestConfig(t *testing.T) {
	for name, test := range map[string]struct{ keys, want string }{
		"least":               {``, ""},
		"a version":           {`"kafka_api_version": "0.9"`, ""},
		"a version as a list": {`"kafka_api_version": [0, 9]`, ""},
		"no version":          {`"kafka_api_version": {}`, "must be a version"},
		"two addresses":       {`"kafka_address": "a:1,b"`, ""},
		"many addresses":      {`"kafka_address": ["ssl://a:1", "[::1]:2", "::1"]`, ""},
		"a bad address":       {`"kafka_address": ["a:1", "b:port"]`, `kafka_address: "b:port" is not host:port`},
		"no address":          {`"kafka_address": []`, "kafka_address: is required"},
		"only commas":         {`"kafka_address": ","`, "at least one broker"},
		"no topic":            {`"kafka_topic": ""`, "kafka_topic: is required"},
		"a bad topic":         {`"kafka_topic": "a b"`, `not " "`},
		"a dot":               {`"kafka_topic": ".."`, "not allowed"},
		"a long topic":        {`"kafka_topic": "` + strings.Repeat("x", 250) + `"`, "at most 249"},
		"fields in topic":     {`"kafka_topic": "logs.{_SYSTEMD_UNIT}.%Y"`, ""},
		"message as topic":    {`"kafka_topic": "{MESSAGE}"`, "{MESSAGE} is not allowed"},
		"many fields":         {`"kafka_topic": "` + strings.Repeat("{A}", 9) + `"`, "more than 8"},
		"a key":               {`"kafka_msg_key": "100% {_HOSTNAME}"`, ""},
		"a bad key":           {`"kafka_msg_key": "{"`, "kafka_msg_key"},
		"topic config":        {`"kafka_topic_config": {"num_partitions": 3, "replication_factor": -1}`, ""},
		"half a topic config": {`"kafka_topic_config": {"num_partitions": 3}`, "must both be given"},
		"half a certificate":  {`"ssl": true, "certfile": "x"`, "certfile and keyfile"},
		"TLS files, no TLS":   {`"ca": "x"`, "no effect without ssl"},
		"TLS off and on":      {`"ssl": false, "kafka_address": "ssl://a"`, "warning: ssl: is false"},
		"login":               {`"sasl_mechanism": "PLAIN", "sasl_username": "u", "sasl_password": "hush"`, ""},
		"no mechanism":        {`"sasl_username": "u", "sasl_password": "hush"`, "sasl_mechanism: is required"},
		"no password":         {`"sasl_mechanism": "PLAIN", "sasl_username": "u"`, "sasl_password: is required with"},
		"another mechanism":   {`"sasl_mechanism": "GSSAPI"`, "sasl_mechanism"},
		"proxy":               {`"socks5_proxy": "socks5://u:hush@p:1"`, ""},
		"bad proxy":           {`"socks5_proxy": "http://u:hush@p:1"`, "socks5_proxy must be"},
		"compression":         {`"compression": "rar"`, `"rar" is not one of`},

		"properties":            {`"kafka_properties": {"client.id": "x", "acks": "-1", "linger.ms": "5", "enable.idempotence": true}`, ""},
		"properties, no object": {`"kafka_properties": "x"`, "must be an object"},
		"acks=0":                {`"kafka_properties": {"acks": 0}`, "without acknowledgements"},
		"acks=2":                {`"kafka_properties": {"acks": 2}`, "must be all"},
		"idempotent, acks=1":    {`"kafka_properties": {"acks": 1, "enable.idempotence": true}`, "needs acks=all"},
		"retries":               {`"kafka_properties": {"retries": 3}`, "warning: kafka_properties.retries: has no effect"},
		"Kerberos":              {`"kafka_properties": {"sasl.kerberos.principal": "x"}`, "of SASL there are"},
		"GSSAPI":                {`"kafka_properties": {"sasl.mechanisms": "GSSAPI"}`, "must be one of PLAIN"},
		"encrypted key":         {`"kafka_properties": {"ssl.key.password": "hush"}`, "have the key decrypted"},
		"PEM":                   {`"kafka_properties": {"ssl.ca.pem": "x"}`, "name PEM files"},
		"transactions":          {`"kafka_properties": {"transactional.id": "x"}`, "not produced in transactions"},
		"typo":                  {`"kafka_properties": {"batch.sise": 1}`, `is not supported; did you mean "batch.size"?`},
		"no number":             {`"kafka_properties": {"batch.size": "many"}`, "must be an integer"},
		"no time":               {`"kafka_properties": {"linger.ms": "NaN"}`, "must be a number of milliseconds"},
		"no boolean":            {`"kafka_properties": {"enable.idempotence": "maybe"}`, "must be true or false"},
		"Nagle":                 {`"kafka_properties": {"socket.nagle.disable": false}`, "false is not supported"},
		"a list":                {`"kafka_properties": {"client.id": []}`, "must be a text"},
	} {
		t.Run(name, func(t *testing.T) {
			keys := test.keys
			for key, value := range map[string]string{`"kafka_address"`: `"a:1"`, `"kafka_topic"`: `"logs"`} {
				if !strings.Contains(keys, key) {
					keys += ", " + key + ": " + value
				}
			}
			_, got := parse(t, "{"+strings.TrimPrefix(keys, ", ")+"}")
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("problems %q, want %q", got, test.want)
			}
			if strings.Contains(got, "hush") {
				t.Errorf("a secret is shown: %s", got)
			}
		})
	}
}

// Every property that is supported says so by what it changes; the documentation names them all.
func TestProperties(t *testing.T) {
	cfg, problems := parse(t, `{"kafka_topic": "logs", "kafka_properties": {
		"metadata.broker.list": "a:1,b:2", "client.id": "me", "security.protocol": "SASL_SSL", "ssl.ca.location": "ca",
		"ssl.certificate.location": "cert", "ssl.key.location": "key", "enable.ssl.certificate.verification": "false",
		"ssl.endpoint.identification.algorithm": "none", "sasl.mechanism": "scram-sha-256", "sasl.username": "u", "sasl.password": "hush",
		"acks": 1, "compression.codec": "snappy", "linger.ms": 0.5, "batch.num.messages": "100", "batch.size": 5000, "message.max.bytes": 4000,
		"request.timeout.ms": 1000, "socket.timeout.ms": "2000", "socket.connection.setup.timeout.ms": 3000, "socket.keepalive.enable": true,
		"socket.nagle.disable": "true", "broker.address.family": "v4", "connections.max.idle.ms": 4000, "metadata.max.age.ms": 5000,
		"partitioner": "consistent", "allow.auto.create.topics": false, "enable.idempotence": false}}`)
	if problems != "" {
		t.Fatal(problems)
	}
	p := cfg.Properties
	if p.Password.Reveal() != "hush" {
		t.Error("the password is lost")
	}

	brokers := p.Brokers
	p.Brokers = nil
	want := Properties{
		ClientID: "me", SecurityProtocol: "sasl_ssl", CA: "ca", Cert: "cert", Key: "key", AnyCertificate: true, AnyName: true,
		Mechanism: ScramSHA256, Username: "u", LeaderOnly: true, Compression: Snappy, Linger: 500 * time.Microsecond, SendRecords: 100,
		BatchBytes: 4000, RequestTimeout: time.Second, SocketTimeout: 2 * time.Second, DialTimeout: 3 * time.Second,
		IdleTimeout: 4 * time.Second, MetadataAge: 5 * time.Second, Network: "tcp4", Partitioner: Consistent, NoAutoCreate: true,
	}
	if !slices.Equal(brokers, []string{"a:1,b:2"}) {
		t.Errorf("brokers %q", brokers)
	}
	if diff := cmp.Diff(want, p, cmpopts.IgnoreTypes(conf.Secret{})); diff != "" {
		t.Error(diff)
	}
	if s := cfg.security(); !s.tls || s.mechanism != ScramSHA256 || s.files.CA != "ca" || !s.files.Insecure {
		t.Errorf("security %+v", s)
	}
	if l := cfg.Limits(); l.Records != 100 || l.Age != 500*time.Microsecond {
		t.Errorf("limits %+v", l)
	}
}

func TestOwnKeysWin(t *testing.T) {
	cfg, problems := parse(t, `{"kafka_topic": "logs", "kafka_address": "a", "ca": "mine", "ssl": true, "sasl_mechanism": "PLAIN",
		"sasl_username": "me", "sasl_password": "x",
		"kafka_properties": {"bootstrap.servers": "b", "ssl.ca.location": "theirs", "sasl.mechanisms": "SCRAM-SHA-512", "sasl.username": "you", "sasl.password": "y"}}`)
	if problems != "" {
		t.Fatal(problems)
	}
	s := cfg.security()
	list, _ := cfg.addresses()
	if s.files.CA != "mine" || s.mechanism != Plain || s.username != "me" || s.password.Reveal() != "x" || list[0] != "a" {
		t.Errorf("%+v %v", s, list)
	}
}

func TestDefaultLimits(t *testing.T) {
	if l := DefaultConfig().Limits(); l.Age != 300*time.Millisecond || l.Records == 0 || l.Bytes == 0 {
		t.Errorf("limits %+v", l)
	}
}

func TestAddresses(t *testing.T) {
	for in, want := range map[string]string{
		"kafka":                           "kafka:9092",
		"kafka:1":                         "kafka:1",
		" a:1 , b:2,":                     "a:1 b:2",
		"ssl://a:1,SASL_SSL://b":          "tls a:1 b:9092",
		"PLAINTEXT://a:1":                 "a:1",
		"::1":                             "[::1]:9092",
		"[::1]":                           "[::1]:9092",
		"[fe80::1]:9093,10.0.0.1":         "[fe80::1]:9093 10.0.0.1:9092",
		"a:0":                             "",
		"a:70000":                         "",
		":9092":                           "",
		"user@host:1":                     "",
		"[::1":                            "",
		"a:b:c":                           "",
		"":                                "",
		"INTERNAL://a:1":                  "a:1",
		"http://example.com:80/some/path": "",
		"http://kafka:9092":               "",
	} {
		list, tls, err := parseAddresses([]string{in})
		got := strings.Join(list, " ")
		if tls {
			got = "tls " + got
		}
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}
