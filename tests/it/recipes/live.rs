//! Each recipe whose proxy runs here, in front of the stand-in gateway: the text that a user gets, with the test's own ports in it.

use std::env;
use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use hoop_doctor::recipes::{Asked, Recipe};

use crate::lab::certificates::{GATEWAY, GRPC};
use crate::lab::doctor::hoop_doctor;
use crate::lab::port::Port;
use crate::lab::proxy::{APACHE_MODULES, Proxy, Serving, answers, command, newer_nginx};
use crate::lab::{Lab, few_at_a_time, say};
use crate::lint::{lint_files, told};

/// What a user does with a recipe to have it run.
struct Kind {
    recipe: Recipe,
    proxy: Proxy,
    /// Where the text says on which ports the proxy listens, and what the test has there.
    listens: &'static [(&'static str, &'static str)],
    /// The file that it becomes.
    file: &'static str,
    /// The file that includes it, where it is no whole configuration.
    main: Option<(&'static str, &'static str)>,
}

const KINDS: [Kind; 7] = [
    Kind {
        recipe: Recipe::Nginx,
        proxy: Proxy::Nginx,
        listens: &[("listen 443 ", "listen 127.0.0.1:@HTTPS@ ")],
        file: "conf.d/hoop.conf",
        main: Some(("nginx.conf", NGINX)),
    },
    Kind {
        recipe: Recipe::NginxTwoPorts,
        proxy: Proxy::Nginx,
        listens: &[
            ("listen 443 ", "listen 127.0.0.1:@HTTPS@ "),
            ("listen 8443 ", "listen 127.0.0.1:@SECOND@ "),
        ],
        file: "conf.d/hoop.conf",
        main: Some(("nginx.conf", NGINX)),
    },
    Kind {
        recipe: Recipe::Envoy,
        proxy: Proxy::Envoy,
        listens: &[(
            "address: 0.0.0.0, port_value: 443 ",
            "address: 127.0.0.1, port_value: @HTTPS@ ",
        )],
        file: "envoy.yaml",
        main: None,
    },
    Kind {
        recipe: Recipe::Haproxy,
        proxy: Proxy::Haproxy,
        listens: &[("bind :443 ", "bind 127.0.0.1:@HTTPS@ ")],
        file: "haproxy.cfg",
        main: None,
    },
    Kind {
        recipe: Recipe::Caddy,
        proxy: Proxy::Caddy,
        // The ports are Caddy's defaults, which are no text; `admin` has one too, for which instances would contend.
        listens: &[(
            "{\n\tservers {",
            "{\n\tadmin off\n\tdefault_bind 127.0.0.1\n\thttps_port @HTTPS@\n\thttp_port @HTTP@\n\tservers {",
        )],
        file: "Caddyfile",
        main: None,
    },
    Kind {
        recipe: Recipe::Apache,
        proxy: Proxy::Apache,
        listens: &[("<VirtualHost *:443>", "<VirtualHost *:@HTTPS@>")],
        file: "sites-enabled/hoop.conf",
        main: Some(("apache2.conf", APACHE)),
    },
    Kind {
        recipe: Recipe::Traefik,
        proxy: Proxy::Traefik,
        listens: &[
            ("\":443\"", "127.0.0.1:@HTTPS@"),
            ("/etc/traefik/hoop.yml\n", "@RUN@/hoop.yml\n"),
        ],
        file: "traefik.yml",
        main: None,
    },
];

#[test]
fn behind_each_real_proxy_check_finds_nothing_to_mend() -> io::Result<()> {
    let lab = Lab::start()?;
    let mut all = Vec::new();
    for kind in &KINDS {
        let newer = (kind.proxy == Proxy::Nginx).then(newer_nginx);
        for program in [Some(kind.proxy.program()), newer].into_iter().flatten() {
            for grpc_host in [None, Some(GRPC)] {
                for tls_upstream in [false, true] {
                    all.push(Live {
                        kind,
                        program: program.clone(),
                        grpc_host,
                        tls_upstream,
                    });
                }
            }
        }
    }
    let outcomes = few_at_a_time(&all, |live| {
        live.program.as_deref().map(|program| live.run(&lab, program))
    });

    let mut table = String::new();
    let mut wrong = 0;
    for (live, outcome) in all.iter().zip(outcomes) {
        let (verdict, why) = match outcome {
            Some(Ok(())) => ("healthy", String::new()),
            None if env::var_os("CI").is_none() => ("not run", String::new()),
            None => ("WRONG", "it is not installed".to_owned()),
            Some(Err(why)) => ("WRONG", why.to_string()),
        };
        wrong += usize::from(verdict == "WRONG");
        table += &format!("{verdict:<8}{}{why}\n", live.name());
    }
    assert!(wrong == 0, "{wrong} of {} are wrong\n{table}", all.len());
    say(&table);
    Ok(())
}

/// A recipe, filled in, and the program that it is for.
struct Live {
    kind: &'static Kind,
    program: Option<PathBuf>,
    grpc_host: Option<&'static str>,
    tls_upstream: bool,
}

/// Where the proxy listens in the place of the ports that recipes have.
struct Ports {
    https: Port,
    /// Of gRPC in the recipe with two ports.
    second: Port,
    /// Where Caddy redirects from.
    http: Port,
}

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

impl Live {
    fn name(&self) -> String {
        let recipe = format!("{:?}", self.kind.recipe);
        let program = self.program.as_deref().unwrap_or(Path::new(self.kind.proxy.name()));
        let program = program.file_name().unwrap_or_default().display().to_string();
        let hosts = self.grpc_host.map_or("one host", |_| "two hosts");
        let upstream = if self.tls_upstream { "TLS" } else { "cleartext" };
        format!("{recipe:<15}{program:<13}{hosts:<11}{upstream:<11}")
    }

    /// Looks at the files, starts the proxy and looks at what it does, without and with the files.
    fn run(&self, lab: &Lab, program: &Path) -> Outcome<()> {
        let run = lab.fresh_folder()?;
        let ports = Ports {
            https: Port::reserve()?,
            second: Port::reserve()?,
            http: Port::reserve()?,
        };
        let files = self.write(lab, &ports, &run)?;
        let files: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
        let linted = lint_files(&files);
        if !linted.findings.is_empty() {
            return Err(format!("lint\n{}", told(&linted)).into());
        }

        let grpc_port = match self.kind.recipe {
            Recipe::NginxTwoPorts => ports.second.number(),
            _ => ports.https.number(),
        };
        let mut serving = self.start(program, files[0], &run, ports.https)?;
        serving.wait_until(|address| answers(lab, address))?;
        self.check(lab, &serving, grpc_port, &["--deep", "--hold", "3s"])?;
        let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        let given: Vec<&str> = names.iter().flat_map(|name| ["--proxy-config", name]).collect();
        self.check(lab, &serving, grpc_port, &given)
    }

    /// Puts the recipe where its proxy looks for it. Returns the files that a user would name, the proxy's own first.
    fn write(&self, lab: &Lab, ports: &Ports, run: &Path) -> Outcome<Vec<PathBuf>> {
        let filled_in = |text: &str| {
            text.replace("@HTTPS@", &ports.https.number().to_string())
                .replace("@SECOND@", &ports.second.number().to_string())
                .replace("@HTTP@", &ports.http.number().to_string())
                .replace("@RUN@", &run.display().to_string())
                .replace("@MODS@", APACHE_MODULES)
        };
        let write = |name: &str, text: &str| -> io::Result<PathBuf> {
            let file = run.join(name);
            fs::create_dir_all(file.parent().unwrap_or(run))?;
            fs::write(&file, filled_in(text))?;
            Ok(file)
        };
        let text = self.text(lab)?;
        match (self.kind.main, text.split_once("---\n")) {
            (Some((name, main)), _) => {
                write(self.kind.file, &text)?;
                Ok(vec![write(name, main)?])
            }
            // What comes before the dashes is one file, what comes behind them another.
            (None, Some((first, second))) => Ok(vec![write(self.kind.file, first)?, write("hoop.yml", second)?]),
            (None, None) => Ok(vec![write(self.kind.file, &text)?]),
        }
    }

    /// What a user gets, with placeholders for the ports.
    fn text(&self, lab: &Lab) -> Outcome<String> {
        let (chain, _) = lab.certificates();
        let certificate = match self.kind.proxy {
            // It wants the key in the same file.
            Proxy::Haproxy => chain.with_extension("pem"),
            _ => chain,
        };
        let mut text = self.kind.recipe.text(&Asked {
            host: GATEWAY.to_owned(),
            grpc_host: self.grpc_host.map(str::to_owned),
            certificate: Some(certificate.display().to_string()),
            gateway: "127.0.0.1".to_owned(),
            tls_upstream: self.tls_upstream,
        });
        let gateway = lab.gateway();
        let (grpc, rest) = match self.tls_upstream {
            true => (gateway.grpc_tls(), gateway.rest_tls()),
            false => (gateway.grpc(), gateway.rest()),
        };
        let (grpc, rest) = (grpc.port().to_string(), rest.port().to_string());
        for (from, to) in [("8010", grpc.as_str()), ("8009", &rest)]
            .iter()
            .chain(self.kind.listens)
        {
            // Started as it is, it would not be what is looked at.
            if !text.contains(from) {
                return Err(format!("the recipe has no {from:?}:\n{text}").into());
            }
            text = text.replace(from, to);
        }
        Ok(text)
    }

    fn start(&self, program: &Path, file: &Path, run: &Path, listen: Port) -> io::Result<Serving> {
        let command = match self.kind.proxy {
            // Where it listens is in the recipe.
            Proxy::Traefik => {
                let mut command = command(program, run);
                command.arg(format!("--configfile={}", file.display()));
                command
            }
            proxy => proxy.command(program, file, run, &listen),
        };
        Serving::spawn(command, listen)
    }

    /// An error where there is anything to mend.
    fn check(&self, lab: &Lab, serving: &Serving, grpc_port: u16, how: &[&str]) -> Outcome<()> {
        let home = lab.fresh_folder()?;
        let (grpc_host, port) = (self.grpc_host.unwrap_or(GATEWAY), serving.address().port());
        let [grpc_url, api_url, grpc_at, api_at] = [
            format!("grpcs://{grpc_host}:{grpc_port}"),
            format!("https://{GATEWAY}:{port}"),
            format!("{grpc_host}:{grpc_port}:127.0.0.1"),
            format!("{GATEWAY}:{port}:127.0.0.1"),
        ];
        let ca = lab.ca().display().to_string();
        let mut args = vec!["check", "--grpc-url", &grpc_url, "--api-url", &api_url];
        args.extend(["--resolve", &grpc_at, "--resolve", &api_at]);
        args.extend(["--ca", &ca, "-o", "json"]);
        args.extend(how);
        let report = hoop_doctor(&home, args).map_err(|error| error.to_string())?;
        match report.is_healthy() {
            true => Ok(()),
            false => Err(format!("check {}{}", how.join(" "), report.told()).into()),
        }
    }
}

/// `/etc/nginx/nginx.conf` of Debian, as far as it says something about requests.
const NGINX: &str = "daemon off;
worker_processes 1;
pid @RUN@/nginx.pid;
error_log @RUN@/error.log;
events { worker_connections 768; }
http {
  client_body_temp_path @RUN@/cb; proxy_temp_path @RUN@/pt; fastcgi_temp_path @RUN@/ft; uwsgi_temp_path @RUN@/ut; scgi_temp_path @RUN@/st;
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  default_type application/octet-stream;
  ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
  ssl_prefer_server_ciphers on;
  access_log @RUN@/access.log;
  gzip on;
  include @RUN@/conf.d/*.conf;
}
";

/// `/etc/apache2/apache2.conf` of Debian, with the modules of which it or the recipe speaks, and what they bring along.
///
/// mod_reqtimeout comes before mod_http2 as in the `httpd.conf` of Apache itself, in which order it ends streams; it has two
/// seconds for that, so that holding them for three shows it.
const APACHE: &str = "DefaultRuntimeDir @RUN@
PidFile @RUN@/apache2.pid
Timeout 300
KeepAlive On
MaxKeepAliveRequests 100
KeepAliveTimeout 5
HostnameLookups Off
ErrorLog @RUN@/error.log
LogLevel warn
LoadModule mpm_event_module @MODS@/mod_mpm_event.so
LoadModule authz_core_module @MODS@/mod_authz_core.so
LoadModule reqtimeout_module @MODS@/mod_reqtimeout.so
LoadModule socache_shmcb_module @MODS@/mod_socache_shmcb.so
LoadModule ssl_module @MODS@/mod_ssl.so
LoadModule http2_module @MODS@/mod_http2.so
LoadModule proxy_module @MODS@/mod_proxy.so
LoadModule proxy_http_module @MODS@/mod_proxy_http.so
LoadModule proxy_http2_module @MODS@/mod_proxy_http2.so
RequestReadTimeout header=20-40,minrate=500
RequestReadTimeout body=2,minrate=500
SSLSessionCache shmcb:@RUN@/ssl_scache(512000)
SSLCipherSuite HIGH:!aNULL
SSLProtocol all -SSLv3
SSLSessionTickets off
Protocols h2 h2c http/1.1
Listen 127.0.0.1:@HTTPS@
<Directory />
  Options FollowSymLinks
  AllowOverride None
  Require all denied
</Directory>
IncludeOptional @RUN@/sites-enabled/*.conf
";
