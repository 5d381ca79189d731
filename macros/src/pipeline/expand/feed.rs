//! The inputs of a pipeline as a struct of array views, whose types rustc compares with what they are made of.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::label;
use crate::circuit::expand::companion;
use crate::diag::first_span;
use crate::pipeline::model::{DType, Declared, Kind, Pipeline};

fn view(declared: &Declared) -> TokenStream {
    let at = first_span(&declared.tokens);
    let element = match declared.dtype {
        DType::F32 => "f32",
        DType::F64 => "f64",
        DType::Bf16 => "u16",
        DType::I32 => "i32",
        DType::I64 => "i64",
        DType::Bool => "u8",
    };
    let element = Ident::new(element, at);
    let axes = match declared.sizes.len() {
        axes @ 0..=6 => format_ident!("ArrayView{axes}", span = at),
        _ => Ident::new("ArrayViewD", at),
    };
    quote_spanned!(at=> ::ketline::model::ndarray::#axes<'a, ::core::primitive::#element>)
}

pub(super) fn inputs(pipeline: &Pipeline) -> TokenStream {
    let (own, name, of) =
        (&pipeline.visibility, companion(&pipeline.name, "Inputs"), pipeline.name.to_string());
    let shared = pipeline.shared_attributes();
    let (mut fields, mut sets) = (TokenStream::new(), TokenStream::new());
    for input in &pipeline.inputs {
        let (field, label) = (&input.name, label(input));
        let doc = format!("`{label}`.");
        let (ty, set) = match &input.kind {
            Kind::Tensor(declared) => {
                let set = quote!(run.set_array(#label, &self.#field.view().into_dyn())?;);
                (view(declared), set)
            }
            Kind::Tensors(declared, _) => {
                let view = view(declared);
                let ty = quote!(::ketline::__private0_1::Vec<#view>);
                let set = quote! {
                    for (k, array) in self.#field.iter().enumerate() {
                        run.set_array(&::ketline::model::expansion::numbered(#label, k), &array.view().into_dyn())?;
                    }
                };
                (ty, set)
            }
            Kind::Hop(_) => {
                let (from, to) = (format!("{label}.from"), format!("{label}.to"));
                let set = quote! {
                    run.set_array(#from, &self.#field[0].view().into_dyn())?;
                    run.set_array(#to, &self.#field[1].view().into_dyn())?;
                };
                (quote!([::ketline::model::ndarray::ArrayView1<'a, ::core::primitive::i32>; 2]), set)
            }
            Kind::Plain | Kind::Broken => continue,
        };
        fields.extend(quote!(#[doc = #doc] #own #field: #ty,));
        sets.extend(set);
    }
    if fields.is_empty() {
        return TokenStream::new();
    }
    let doc = format!("The inputs of [`{of}()`] for one step.");
    quote! {
        #(#shared)*
        #[doc = #doc]
        #[allow(dead_code)]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #own struct #name<'a> { #fields }

        #(#shared)*
        #[allow(dead_code, clippy::all, clippy::pedantic)]
        impl #name<'_> {
            /// Copies them to a run.
            ///
            /// # Errors
            /// Arrays of another shape than the plan's.
            #own fn give(&self, run: &mut ::ketline::model::Run) -> ::ketline::model::Result<()> {
                #sets
                ::core::result::Result::Ok(())
            }
        }
    }
}
