//! Messages for the user: errors and lints are gathered, so that one compilation shows all of them.

use proc_macro2::{Delimiter, Ident, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};

/// Everything that one macro call has to say.
#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Vec<syn::Error>,
    lints: Vec<Lint>,
}

/// A warning: shown as the use of a deprecated constant, the one warning that a stable macro can raise with its own
/// words. `#[allow(deprecated)]` on the item silences it.
struct Lint {
    at: Span,
    name: &'static str,
    message: String,
}

impl Diagnostics {
    /// Reports `message` on all of `at`.
    pub(crate) fn error(&mut self, at: impl ToTokens, message: impl Into<String>) {
        self.errors.push(syn::Error::new_spanned(at, message.into()));
    }

    /// Reports `message` and, on a line of its own, what to do about it.
    pub(crate) fn error_help(&mut self, at: impl ToTokens, message: impl Into<String>, help: &str) {
        self.error(at, format!("{}\nhelp: {help}", message.into()));
    }

    /// Takes over an error of the Rust parser.
    pub(crate) fn push(&mut self, error: syn::Error) {
        self.errors.push(error);
    }

    /// Warns on the first token of `at`; `name` is the constant that rustc shows in front of the message.
    pub(crate) fn lint(&mut self, at: impl ToTokens, name: &'static str, message: impl Into<String>) {
        let at = first_span(&at);
        self.lints.push(Lint { at, name, message: message.into() });
    }

    /// Takes over all that another has to say.
    pub(crate) fn take(&mut self, other: Self) {
        self.errors.extend(other.errors);
        self.lints.extend(other.lints);
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The errors as `compile_error!` items, each under the `cfg` attributes of the user's item.
    pub(crate) fn errors(&self, cfg: &[&syn::Attribute]) -> TokenStream {
        let errors = self.errors.iter().flat_map(syn::Error::clone).map(|error| error.to_compile_error());
        errors.map(|error| quote!(#(#cfg)* #error)).collect()
    }

    /// The lints as items, each under the `allow` attributes of the user's item.
    pub(crate) fn lints(&self, allow: &[&syn::Attribute]) -> TokenStream {
        let items = self.lints.iter().map(|Lint { at, name, message }| {
            let name = Ident::new(name, *at);
            quote_spanned! {*at=>
                #(#allow)*
                const _: () = { #[deprecated(note = #message)] const #name: () = (); #name };
            }
        });
        items.collect()
    }

    #[cfg(test)]
    pub(crate) fn messages(&self) -> Vec<String> {
        let errors = self.errors.iter().flat_map(|error| error.clone().into_iter()).map(|e| e.to_string());
        errors.chain(self.lints.iter().map(|lint| format!("{}: {}", lint.name, lint.message))).collect()
    }
}

/// The span of the first token: stable Rust cannot join spans, and a caret at the start reads best.
pub(crate) fn first_span(tokens: &impl ToTokens) -> Span {
    let stream = tokens.to_token_stream();
    stream.into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

/// What the user wrote, on one line and spaced as rustfmt would.
pub(crate) fn source(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    print(tokens.to_token_stream(), &mut text);
    text
}

fn print(tokens: TokenStream, text: &mut String) {
    // Whether the token before was an operand, so that a sign after it is binary, and whether it clings to the next.
    let (mut operand, mut clings) = (false, true);
    // Open angle brackets, and whether the token before names a type.
    let (mut angles, mut names_type) = (0, false);
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                if !clings && (!operand || open == "{ ") {
                    text.push(' ');
                }
                text.push_str(open);
                print(group.stream(), text);
                text.push_str(close);
                (operand, clings) = (true, false);
            }
            TokenTree::Punct(punct) => {
                let sign = punct.as_char();
                let opens = sign == '<' && names_type;
                let closes = sign == '>' && angles > 0;
                angles = angles + i32::from(opens) - i32::from(closes);
                let tight = opens || closes || matches!(sign, '.' | ',' | ';' | ':' | '?');
                if !clings && !tight {
                    text.push(' ');
                }
                text.push(sign);
                let unary = !operand && matches!(sign, '-' | '!' | '*' | '&');
                clings = unary || opens || punct.spacing() == Spacing::Joint || matches!(sign, '.' | ':');
                // What follows `::` can only open.
                (operand, names_type) = (closes, sign == ':');
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                if !clings {
                    text.push(' ');
                }
                let word = token.to_string();
                text.push_str(&word);
                (operand, clings, names_type) = (true, false, word.starts_with(char::is_uppercase));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_reads_as_the_user_wrote_it() {
        for text in [
            "Bits<3>",
            "Vec<(usize, Vec<u8>)>",
            "N - 1 > i",
            "q[i + 1]",
            "q[(i + 1) % N]",
            "-1",
            "f(x, y)",
            "adder::<2>(a, b)",
            "a::b::<{ K + 1 }>(q)",
            "G::EDGES",
            "0..N - 1",
            "theta[l][i]",
            "2 * (i + 1)",
        ] {
            let tokens: TokenStream = text.parse().expect("tokens");
            assert_eq!(source(&tokens), text);
        }
    }

    #[test]
    fn errors_are_gathered() {
        let mut diagnostics = Diagnostics::default();
        diagnostics.error_help(Ident::new("a", Span::call_site()), "one", "two");
        diagnostics.lint(Ident::new("b", Span::call_site()), "EMPTY_LOOP", "three");
        assert_eq!(diagnostics.messages(), ["one\nhelp: two", "EMPTY_LOOP: three"]);
    }
}
