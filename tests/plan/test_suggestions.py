"""What is suggested for the files of well-known tools: written by hand, header by header."""

import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccexport.model.exports import ExportConfig, MappedField
from ccexport.model.profiles import FieldEvidence, ProfileField, Snapshot
from ccexport.model.words import FieldType
from ccexport.plan.fields import CONTACT_FIELDS
from ccexport.plan.header_words import MEANINGS
from ccexport.plan.mapping import check_mapping
from ccexport.plan.suggest import Suggestion, suggest
from tests.plan.factories import AT

Seen = tuple[list[ProfileField], dict[str, FieldEvidence]]


def seen(*columns: str) -> Seen:
    """`Header: value | value`, each value once; `Header:` is empty. Days are dates, true and false booleans."""
    fields, evidence = [], {}
    for column in columns:
        name, _, text = column.partition(": ")
        name = name.removesuffix(":")
        values = tuple(v.strip() for v in text.split("|") if v.strip())
        fields.append(ProfileField(name, _type(values)))
        evidence[name] = FieldEvidence(len(values), values, tuple((v, 1) for v in dict.fromkeys(values)))
    return fields, evidence


def _type(values: tuple[str, ...]) -> FieldType:
    if values and all(re.fullmatch(r"\d{4}-\d\d-\d\d", v) and date.fromisoformat(v) for v in values):
        return FieldType.DATE
    if {"true", "false"} == set(values):
        return FieldType.BOOLEAN
    plain = values and all(re.fullmatch(r"0|[1-9]\d{0,5}", v) for v in values)
    return FieldType.NUMBER if plain else FieldType.TEXT


def written(found: tuple[Suggestion, ...]) -> list[str]:
    """`target=source`, and the values of consent and refusal."""
    return [f"{s.target}={s.source}" + (f" [{', '.join(s.values)}]" if s.values else "") for s in found]


PERSON = ("First Name: Ann | Bo", "Last Name: Ek | Berg", "Email: ann@example.com | bo@example.com")
NAMED = ["email=Email", "first_name=First Name", "last_name=Last Name"]

TOOLS: dict[str, tuple[list[str], list[str]]] = {
    "Shopify": (
        [
            *("Customer ID: 7001 | 7002", *PERSON, "Accepts Email Marketing: yes | no"),
            *("Default Address Company: Brown, Inc.", "Default Address Address1: 5 Main St | Yol 3"),
            *("Default Address Address2: Apt 2", "Default Address City: Portland | İzmir"),
            *("Default Address Province Code: OR", "Default Address Country Code: US | TR"),
            *("Default Address Zip: 04101 | 35210", "Default Address Phone: +15035550123"),
            *("Phone: +31612345678 | +15035550123", "Accepts SMS Marketing: no | yes", "Total Spent: 12 | 0"),
            *("Note: Said hello", "Tax Exempt: no", "Tags: vip, horeca"),
        ],
        [
            *(*NAMED, "company_name=Default Address Company", "phone=Phone"),
            *("street=Default Address Address1", "street2=Default Address Address2"),
            *("city=Default Address City", "state=Default Address Province Code", "zip=Default Address Zip"),
            *("country=Default Address Country Code", "consent=Accepts Email Marketing [yes]"),
        ],
    ),
    "WooCommerce customers": (
        [
            *("Name: Ann Ek | Bo Berg", "Username: ann", "Last active: now", "Sign up: then"),
            *("Email: ann@example.com | bo@example.com", "Orders: 3 | 1", "Country / Region: NO | SE"),
            *("City: Oslo | Lund", "Region: Viken | Skåne", "Postal code: 0150 | 22100"),
        ],
        ["email=Email", "city=City", "state=Region", "zip=Postal code", "country=Country / Region"],
    ),
    "WooCommerce users": (
        [
            *("ID: 1 | 2", "user_login: ann", "user_email: ann@example.com", "display_name: Ann Ek"),
            *("billing_first_name: Ann", "billing_last_name: Ek", "billing_company: Acme"),
            *("billing_email: ann@example.com", "billing_phone: 503-555-0123", "billing_address_1: 5 Main"),
            *("billing_address_2: Apt 2", "billing_postcode: 04101", "billing_city: Portland"),
            *(
                "billing_state: OR",
                "billing_country: US",
                "shipping_address_1: 9 Road",
                "shipping_city: Lund",
            ),
        ],
        [
            *("email=user_email", "first_name=billing_first_name", "last_name=billing_last_name"),
            *("company_name=billing_company", "phone=billing_phone", "street=billing_address_1"),
            *(
                "street2=billing_address_2",
                "city=billing_city",
                "state=billing_state",
                "zip=billing_postcode",
            ),
            "country=billing_country",
        ],
    ),
    "Magento": (
        [
            *("email: c1@example.com", "_website: base", "website_id: 1", "store_id: 1", "prefix: Mr"),
            *("firstname: Cy", "middlename:", "lastname: Ek", "suffix:", "group_id: 1", "dob: 1980-05-17"),
            *("taxvat:", "gender: 0", "_address_city: Lund", "_address_street: Väg 1"),
            *("_address_postcode: 22100", "_address_country_id: SE", "_address_telephone: 046123456"),
            *("_address_fax: 046123457", "_address_region: Skåne"),
        ],
        [
            *("email=email", "first_name=firstname", "last_name=lastname", "birthday=dob"),
            *("phone=_address_telephone", "street=_address_street", "city=_address_city"),
            *("state=_address_region", "zip=_address_postcode", "country=_address_country_id"),
        ],
    ),
    "Mailchimp": (
        [
            *("Email Address: ann@example.com", "First Name: Ann", "Last Name: Ek"),
            *('Address: {"addr1": "5 Main"}', "Phone Number: 503-555-0123", "MEMBER_RATING: 2 | 5"),
            *("OPTIN_TIME: then", "CONFIRM_IP: 203.0.113.9", "GMTOFF: 1", "CC: US | NO", "REGION: 03 | 12"),
            *("LAST_CHANGED: now", "LEID: 1234567 | 1234568", "EUID: abc123", "TAGS: vip"),
        ],
        ["email=Email Address", "first_name=First Name", "last_name=Last Name", "phone=Phone Number"],
    ),
    "HubSpot": (
        [
            *(
                "Record ID: 101 | 102",
                *PERSON,
                "Phone Number: 503-555-0123",
                "Mobile Phone Number: 5035550199",
            ),
            *("Contact owner: Olga Owner", "Primary Associated Company: Acme", "Lead Status: New | Open"),
            *("Marketing contact status: Marketing contact", "Job Title: Boss", "Street Address: 5 Main"),
            *(
                "City: Portland",
                "State/Region: Oregon",
                "Postal Code: 04101",
                "Country/Region: United States",
            ),
            *("Unsubscribed from all email: true", "Email hard bounce reason:"),
        ],
        [
            *(*NAMED, "job_title=Job Title", "company_name=Primary Associated Company"),
            *("phone=Phone Number", "mobile_phone=Mobile Phone Number", "street=Street Address", "city=City"),
            *("state=State/Region", "zip=Postal Code", "country=Country/Region"),
            "refusal=Unsubscribed from all email [true]",
        ],
    ),
    "Salesforce report": (
        [
            *("Contact ID: 0035g00000AbCdE", "Salutation: Ms. | Mr.", *PERSON, "Title: CEO | Buyer"),
            *("Account Name: Acme", "Mailing Street: 1 High St", "Mailing City: Bergen"),
            *("Mailing State/Province:", "Mailing Zip/Postal Code: 5003", "Mailing Country: Norway"),
            *("Phone: +47 55 00 00 00", "Fax: +47 55 00 00 01", "Mobile:", "Email Opt Out: 0 | 1"),
            *("Birthdate: 1980-05-17", "Account Owner: Owner One"),
        ],
        [
            *(*NAMED, "job_title=Title", "company_name=Account Name", "birthday=Birthdate", "phone=Phone"),
            *("street=Mailing Street", "city=Mailing City", "state=Mailing State/Province"),
            *("zip=Mailing Zip/Postal Code", "country=Mailing Country", "refusal=Email Opt Out [1]"),
        ],
    ),
    "Salesforce Data Loader": (
        [
            *(
                "ID: 003A | 003B",
                "LASTNAME: Ek",
                "FIRSTNAME: Ann",
                "SALUTATION: Ms.",
                "MailingStreet: 5 Main",
            ),
            *("MailingCity: Lund", "MailingPostalCode: 22100", "MailingCountry: SE"),
            *('MailingAddress: {"city": "Lund"}', "HomePhone: 046123456", "MobilePhone: 070123456"),
            *(
                "OtherPhone: 046123457",
                "AssistantPhone: 046123458",
                "Phone: 046123459",
                "Email: a@example.com",
            ),
            *("HasOptedOutOfEmail: true | false", "DoNotCall: true | false", "Department: Sales"),
        ],
        [
            *("email=Email", "first_name=FIRSTNAME", "last_name=LASTNAME", "phone=Phone"),
            *("home_phone=HomePhone", "mobile_phone=MobilePhone", "street=MailingStreet", "city=MailingCity"),
            *("zip=MailingPostalCode", "country=MailingCountry", "refusal=HasOptedOutOfEmail [true]"),
        ],
    ),
    "Zoho": (
        [
            *("Record Id: zcrm_1", "Contact Owner: Olga", *PERSON, "Account Name: Acme", "Title: CEO"),
            *("Phone: 503-555-0123", "Home Phone:", "Mobile: 503-555-0199", "Date of Birth: 1980-05-17"),
            *("Email Opt Out: false | true", "Secondary Email: bo2@example.com", "Mailing Street: 5 Main"),
            *("Mailing City: Portland", "Mailing State: OR", "Mailing Zip: 04101", "Mailing Country: US"),
        ],
        [
            *(
                *NAMED,
                "job_title=Title",
                "company_name=Account Name",
                "birthday=Date of Birth",
                "phone=Phone",
            ),
            *("mobile_phone=Mobile", "street=Mailing Street", "city=Mailing City", "state=Mailing State"),
            *("zip=Mailing Zip", "country=Mailing Country", "refusal=Email Opt Out [true]"),
        ],
    ),
    "Google": (
        [
            *(
                "First Name: Ada",
                "Last Name: Berg",
                "Name Prefix: Dr.",
                "Nickname:",
                "Organization Name: Acme",
            ),
            *("Organization Title: Consultant", "Organization Department:", "Birthday: 1980-05-17"),
            *("Labels: * myContacts", "E-mail 1 - Label: * Home", "E-mail 1 - Value: ada@example.com"),
            *("E-mail 2 - Label: old", "E-mail 2 - Value: ada.old@example.com", "Phone 1 - Label: Work"),
            *("Phone 1 - Value: +41319280960 ::: +41792648866", "Address 1 - Label: Home"),
            *("Address 1 - Formatted: Weg 1, Bern", "Address 1 - Street: Weg 1", "Address 1 - City: Bern"),
            *("Address 1 - PO Box:", "Address 1 - Region:", "Address 1 - Postal Code: 3003"),
            *("Address 1 - Country: CH", "Address 1 - Extended Address:"),
        ],
        [
            *("email=E-mail 1 - Value", "first_name=First Name", "last_name=Last Name"),
            *("job_title=Organization Title", "company_name=Organization Name", "birthday=Birthday"),
            *("phone=Phone 1 - Value", "street=Address 1 - Street", "city=Address 1 - City"),
            *("state=Address 1 - Region", "zip=Address 1 - Postal Code", "country=Address 1 - Country"),
        ],
    ),
    "Outlook": (
        [
            *("Title: Mr. | Ms.", "First Name: Åge", "Middle Name:", "Last Name: Müller", "Company: Acme"),
            *("Department: Sales", "Job Title: Boss", "Business Street: Vei 2", "Business City: Oslo"),
            *("Business State: Viken", "Business Postal Code: 0150", "Business Country/Region: Norge"),
            *("Home Street: Gate 1", "Home City: Tromsø", "Home State: Troms", "Home Postal Code: 9008"),
            *("Home Country/Region: Norge", "Other City:", "Assistant's Phone: 503-555-0100"),
            *("Business Fax: 503-555-0102", "Business Phone: 503-555-0101", "Home Phone: 503-555-0100"),
            *("Mobile Phone: (503) 555-0123", "Other Phone: 503-555-0103", "Pager: 5035550104"),
            *("Primary Phone: 503-555-0105", "E-mail Address: age@example.com", "E-mail Type: SMTP"),
            *("E-mail Display Name: Åge Müller (age@example.com)", "Web Page: www.example.com"),
        ],
        [
            *("email=E-mail Address", "first_name=First Name", "last_name=Last Name", "job_title=Job Title"),
            *("company_name=Company", "phone=Primary Phone", "work_phone=Business Phone"),
            *("mobile_phone=Mobile Phone", "street=Home Street", "city=Home City", "state=Home State"),
            *("zip=Home Postal Code", "country=Home Country/Region", "work_street=Business Street"),
            *("work_city=Business City", "work_state=Business State", "work_zip=Business Postal Code"),
            "work_country=Business Country/Region",
        ],
    ),
    "Outlook in German": (
        [
            *("Anrede: Herr", "Vorname: Jürgen", "Nachname: Groß", "Firma: Acme", "Abteilung: Vertrieb"),
            *("Position: Leiter", "Straße geschäftlich: Weg 2", "Ort geschäftlich: Köln"),
            *("Postleitzahl geschäftlich: 50667", "Land/Region geschäftlich: Deutschland"),
            *("Telefon geschäftlich: 0221 1234567", "Telefon privat: 0221 7654321", "Fax privat: 0221 1"),
            *("Mobiltelefon: 0171 1234567", "E-Mail-Adresse: j@example.de", "Geburtstag: 1980-05-17"),
        ],
        [
            *("email=E-Mail-Adresse", "first_name=Vorname", "last_name=Nachname", "job_title=Position"),
            *("company_name=Firma", "birthday=Geburtstag", "home_phone=Telefon privat"),
            *("work_phone=Telefon geschäftlich", "mobile_phone=Mobiltelefon"),
            *("work_street=Straße geschäftlich", "work_city=Ort geschäftlich"),
            *("work_zip=Postleitzahl geschäftlich", "work_country=Land/Region geschäftlich"),
        ],
    ),
    "Outlook in French": (
        [
            *("Titre: M. | Mme", "Prénom: Zoé", "Nom: Petit", "Société: Acme", "Rue (domicile): 1 rue Haute"),
            *("Ville (domicile): Lyon", "Code postal (domicile): 69001", "Pays/Région (domicile): France"),
            *("Téléphone (bureau): 04 12 34 56 78", "Tél. mobile: 06 12 34 56 78"),
            *("Adresse de messagerie: zoe@example.fr", "Date de naissance: 1980-05-17"),
        ],
        [
            *("email=Adresse de messagerie", "first_name=Prénom", "last_name=Nom", "company_name=Société"),
            *("birthday=Date de naissance", "work_phone=Téléphone (bureau)", "mobile_phone=Tél. mobile"),
            *("street=Rue (domicile)", "city=Ville (domicile)", "zip=Code postal (domicile)"),
            "country=Pays/Région (domicile)",
        ],
    ),
    "Eventbrite": (
        [
            *(
                "Order #: 1 | 1",
                "Order Date: then",
                *PERSON,
                "Quantity: 1",
                "Ticket Type: Early",
                "Attendee #: 7",
            ),
            *("Attendee Status: Attending", "Home Address 1: 5 Main", "Home Address 2: Apt 2"),
            *("Home City: Portland", "Home State: OR", "Home Zip: 04101", "Home Country: US"),
            *("Cell Phone: 503-555-0199", "Gender: F", "Birth Date: 1980-05-17", "Job Title: Boss"),
            *("Company: Acme", "Work Phone: 503-555-0101", "Website: https://example.com"),
        ],
        [
            *(*NAMED, "job_title=Job Title", "company_name=Company", "birthday=Birth Date"),
            *("work_phone=Work Phone", "mobile_phone=Cell Phone", "street=Home Address 1"),
            *("street2=Home Address 2", "city=Home City", "state=Home State", "zip=Home Zip"),
            "country=Home Country",
        ],
    ),
    "Stripe": (
        [
            *("id: cus_A | cus_B", "Description: x", "Email: ann@example.com", "Name: Ann Ek"),
            *("Created (UTC): then", "Delinquent: false | true", "Card Last4: 4242", "Card Brand: Visa"),
            *("Card Name: Ann Ek", "Card Address Line1: 5 Main", "Card Address Line2: Apt 2"),
            *("Card Address City: Portland", "Card Address State: OR", "Card Address Zip: 04101"),
            *("Card Address Country: US", "Card Issue Country: NO", "Status: active", "Plan: gold"),
        ],
        [
            *("email=Email", "street=Card Address Line1", "street2=Card Address Line2"),
            *("city=Card Address City", "state=Card Address State", "zip=Card Address Zip"),
            "country=Card Address Country",
        ],
    ),
    "CiviCRM": (
        [
            *("Contact ID: 202 | 203", "Do Not Email: 1", "Do Not Phone: 1", "Do Not Mail:", "Do Not Trade:"),
            *("No Bulk Emails (User Opt Out): 1", "Display Name: Ada Berg", "First Name: Ada"),
            *(
                "Last Name: Berg",
                "Birth Date: 1980-05-17",
                "Street Address: Weg 1",
                "Supplemental Address 1:",
            ),
            *("City: Bern", "Postal Code: 3003", "State: BE", "Country: Switzerland"),
            *("Phone: 031 378 65 65", "Email: ada@example.com", "On Hold: No | On Hold Bounce"),
        ],
        [
            *("email=Email", "first_name=First Name", "last_name=Last Name", "birthday=Birth Date"),
            *("phone=Phone", "street=Street Address", "city=City", "state=State", "zip=Postal Code"),
            *("country=Country", "refusal=Do Not Email [1]", "refusal=No Bulk Emails (User Opt Out) [1]"),
            "refusal=On Hold [On Hold Bounce]",
        ],
    ),
    "Odoo": (
        [
            *("id: __export__.res_partner_7", "name: Ann Ek", "email: ann@example.com", "phone: 046123456"),
            *("mobile: 070123456", "street: Väg 1", "street2: c/o Bo", "city: Lund", "zip: 22100"),
            *(
                "state_id/name: Skåne",
                "country_id/name: Sweden",
                "function: Buyer",
                "is_blacklisted: true | false",
            ),
        ],
        [
            *("email=email", "job_title=function", "phone=phone", "mobile_phone=mobile"),
            *("street=street", "street2=street2"),
            *("city=city", "state=state_id/name", "zip=zip", "country=country_id/name"),
            "refusal=is_blacklisted [true]",
        ],
    ),
    "Brevo": (
        [
            *("CONTACT ID: 1 | 2", "EMAIL: ann@example.com", "FIRSTNAME: Ann", "LASTNAME: Ek"),
            *("SMS: 4790000000", "DOUBLE_OPT-IN: Yes | No", "ADDED_TIME: then", "MODIFIED_TIME: now"),
        ],
        [
            *("email=EMAIL", "first_name=FIRSTNAME", "last_name=LASTNAME"),
            "consent=DOUBLE_OPT-IN [Yes]",
        ],
    ),
    "Wix": (
        [
            *(
                "First Name: Ann",
                "Last Name: Ek",
                "Email 1: ann@example.com",
                "Email 2:",
                "Phone 1: 5035550123",
            ),
            *("Address 1 - Type: Home", "Address 1 - Street: 5 Main", "Address 1 - City: Portland"),
            *(
                "Address 1 - State/Region: OR",
                "Address 1 - Zip: 04101",
                "Address 1 - Country: US",
                "Company:",
            ),
            *(
                "Email subscriber status: subscribed | unsubscribed",
                "SMS subscriber status: never subscribed",
            ),
        ],
        [
            *("email=Email 1", "first_name=First Name", "last_name=Last Name", "phone=Phone 1"),
            *("street=Address 1 - Street", "city=Address 1 - City", "state=Address 1 - State/Region"),
            *("zip=Address 1 - Zip", "country=Address 1 - Country"),
            "consent=Email subscriber status [subscribed]",
        ],
    ),
    "Ghost": (
        [
            *(
                "id: 64a1",
                "email: ann@example.com",
                "name: Ann Ek",
                "note:",
                "subscribed_to_emails: true | false",
            ),
            *("complimentary_plan: false", "stripe_customer_id: cus_A", "labels: vip", "tiers: gold"),
        ],
        ["email=email", "consent=subscribed_to_emails [true]"],
    ),
    "Dynamics 365": (
        [
            *("(Do Not Modify) Contact: 0b5e-1", "First Name: Ann", "Last Name: Ek", "Job Title: Boss"),
            *("Company Name: Acme", "Email: ann@example.com", "Business Phone: 503-555-0101"),
            *(
                "Mobile Phone: 503-555-0199",
                "Address 1 Street 1: 5 Main",
                "Do not allow Emails: Allow | Do Not Allow",
            ),
        ],
        [
            *("email=Email", "first_name=First Name", "last_name=Last Name", "job_title=Job Title"),
            *("company_name=Company Name", "work_phone=Business Phone", "mobile_phone=Mobile Phone"),
            *("street=Address 1 Street 1",),
            "refusal=Do not allow Emails [Do Not Allow]",
        ],
    ),
    "Dynamics 365 Customer Insights": (
        [
            *("CustomerId: a1 | a2", "FullName: Ann Ek", "FirstName: Ann", "LastName: Ek"),
            *("EMailAddress1: ann@example.com", "EMailAddress2:", "Telephone1: 503-555-0123"),
            *("MobilePhone: 5035550199", "BirthDate: 1980-05-17", "Address1_Line1: 5 Main"),
            *("Address1_City: Portland", "Address1_StateOrProvince: OR", "Address1_PostalCode: 04101"),
            *("Address1_Country: US", "Address2_City: Lund", "DoNotBulkEMail: true | false"),
        ],
        [
            *("email=EMailAddress1", "first_name=FirstName", "last_name=LastName", "birthday=BirthDate"),
            *("phone=Telephone1", "mobile_phone=MobilePhone", "street=Address1_Line1", "city=Address1_City"),
            *("state=Address1_StateOrProvince", "zip=Address1_PostalCode", "country=Address1_Country"),
            "refusal=DoNotBulkEMail [true]",
        ],
    ),
    "Business Central": (
        [
            *("No.: C0001 | C0002", "Name: Acme AS | Beta AS", "Address: Gate 1", "Address 2: Oppg. B"),
            *("City: Oslo", "Post Code: 0150", "Country/Region Code: NO | SE", "Phone No.: 22 33 44 55"),
            *("Mobile Phone No.: 90000000", "Fax No.: 22334456", "E-Mail: post@example.no"),
        ],
        [
            *("email=E-Mail", "phone=Phone No.", "mobile_phone=Mobile Phone No.", "street=Address"),
            *("street2=Address 2", "city=City", "zip=Post Code", "country=Country/Region Code"),
        ],
    ),
    "Constant Contact": (
        [
            *("Email address: ann@example.com", "First name: Ann", "Last name: Ek", "Company: Acme"),
            *(
                "Job title: CEO",
                "Email status: Active | Unsubscribed",
                "Email permission status: Express | Implied",
            ),
            *("Confirmed Opt-Out Date: 2022-01-02", "Confirmed Opt-Out Reason: Too many"),
            *("Phone - home: (503) 555-0123", "Phone - mobile: 503-555-0199", "Phone - work:"),
            *("Street address line 1 - Home: 5 Main St", "City - Home: Portland"),
            *("State/Province - Home: OR", "Zip/Postal Code - Home: 04101", "Country - Home: United States"),
            *("Birthday: 1980-05-17", "Anniversary: 2010-06-01", "Email Lists: Newsletter", "Tags: vip"),
        ],
        [
            *("email=Email address", "first_name=First name", "last_name=Last name", "job_title=Job title"),
            *("company_name=Company", "birthday=Birthday", "anniversary=Anniversary"),
            *("home_phone=Phone - home", "mobile_phone=Phone - mobile"),
            *("street=Street address line 1 - Home", "city=City - Home", "state=State/Province - Home"),
            *("zip=Zip/Postal Code - Home", "country=Country - Home", "consent=Email status [Active]"),
        ],
    ),
    "SAP in German": (
        [
            *("Kundennr.: 0000012345", "Anrede: Frau | Herr", "Vorname: Jürgen", "Nachname: Groß", "Firma:"),
            *(
                "Straße: Hauptstraße 1",
                "PLZ: 01067",
                "Ort: Dresden",
                "Land: DE",
                "E-Mail-Adresse: j@example.de",
            ),
            *("Telefon: 0351/123456", "Geburtsdatum: 1980-05-17", "Newsletter: X", "Kunde seit: 2010-02-01"),
        ],
        [
            *("email=E-Mail-Adresse", "first_name=Vorname", "last_name=Nachname", "birthday=Geburtsdatum"),
            *("anniversary=Kunde seit", "phone=Telefon", "street=Straße", "city=Ort", "zip=PLZ"),
            *("country=Land", "consent=Newsletter [X]"),
        ],
    ),
    "Norwegian": (
        [
            *(
                "Medlemsnr: 1",
                "Fornavn: Åse",
                "Etternavn: Ø",
                "E-postadresse: a@example.no",
                "Tittel: Fru | Hr",
            ),
            *("Mobilnummer: 90000000", "Hjemmetelefon: 22334455", "Gateadresse: Gate 1", "Postnr.: 0150"),
            *("Poststed: Oslo", "Land: Norge", "Fødselsdato: 1980-05-17", "Nyhetsbrev: ja | nei"),
            *("Reservert e-post: x", "Samtykke SMS: ja | nei"),
        ],
        [
            *("email=E-postadresse", "first_name=Fornavn", "last_name=Etternavn", "birthday=Fødselsdato"),
            *("home_phone=Hjemmetelefon", "mobile_phone=Mobilnummer", "street=Gateadresse"),
            *("city=Poststed", "zip=Postnr.", "country=Land", "consent=Nyhetsbrev [ja]"),
            "refusal=Reservert e-post [x]",
        ],
    ),
    "Swedish": (
        [
            *(
                "Kundnummer: 1",
                "Förnamn: Åsa",
                "Efternamn: Ö",
                "E-post: a@example.se",
                "Mobiltelefon: 0701234567",
            ),
            *("Gatuadress: Väg 1", "Postnummer: 22100", "Ort: Lund", "Län: Skåne", "Företag: Acme"),
            *("Befattning: Chef", "Födelsedatum: 1980-05-17", "Nyhetsbrev: Ja | Nej"),
        ],
        [
            *("email=E-post", "first_name=Förnamn", "last_name=Efternamn", "job_title=Befattning"),
            *("company_name=Företag", "birthday=Födelsedatum", "mobile_phone=Mobiltelefon"),
            *("street=Gatuadress", "city=Ort", "state=Län", "zip=Postnummer", "consent=Nyhetsbrev [Ja]"),
        ],
    ),
    "Danish": (
        [
            *("Kundenr.: 1", "Fornavn: Søs", "Efternavn: Æ", "E-mail: a@example.dk", "Mobil: 20123456"),
            *("Vej: Gade 1", "Postnr.: 8000", "By: Aarhus", "Land: DK", "Virksomhed: Acme", "Stilling: Chef"),
            *("Fødselsdag: 1980-05-17", "Nyhedsbrev: ja | nej"),
        ],
        [
            *("email=E-mail", "first_name=Fornavn", "last_name=Efternavn", "job_title=Stilling"),
            *(
                "company_name=Virksomhed",
                "birthday=Fødselsdag",
                "mobile_phone=Mobil",
                "street=Vej",
                "city=By",
            ),
            *("zip=Postnr.", "country=Land", "consent=Nyhedsbrev [ja]"),
        ],
    ),
    "French": (
        [
            *("N° client: 1", "Prénom: Zoé", "Nom: Petit", "Courriel: z@example.fr", "Portable: 0612345678"),
            *("Adresse: 1 rue Haute", "Complément d'adresse: Bât. B", "Code postal: 69001", "Ville: Lyon"),
            *("Pays: France", "Entreprise: Acme", "Fonction: Acheteuse", "Anniversaire: 1980-05-17"),
            "Abonné à la newsletter: oui | non",
        ],
        [
            *("email=Courriel", "first_name=Prénom", "last_name=Nom", "job_title=Fonction"),
            *("company_name=Entreprise", "birthday=Anniversaire", "mobile_phone=Portable", "street=Adresse"),
            *("street2=Complément d'adresse", "city=Ville", "zip=Code postal", "country=Pays"),
            "consent=Abonné à la newsletter [oui]",
        ],
    ),
    "Spanish": (
        [
            *("Código cliente: 1", "Nombre: José", "Apellidos: Díaz Gil", "Correo electrónico: j@example.es"),
            *("Teléfono: 912345678", "Móvil: 612345678", "Dirección: Calle Mayor 1", "Código postal: 28001"),
            *("Ciudad: Madrid", "Provincia: Madrid", "País: España", "Fecha de nacimiento: 1980-05-17"),
            *("Acepta correo: sí | no", "Baja: 1"),
        ],
        [
            *("email=Correo electrónico", "first_name=Nombre", "last_name=Apellidos"),
            *("birthday=Fecha de nacimiento", "phone=Teléfono", "mobile_phone=Móvil", "street=Dirección"),
            *("city=Ciudad", "state=Provincia", "zip=Código postal", "country=País"),
            *("consent=Acepta correo [sí]", "refusal=Baja [1]"),
        ],
    ),
    "Italian": (
        [
            *("Nome: Aldo", "Cognome: Rossi", "E-mail: a@example.it", "Cellulare: 3331234567"),
            *("Indirizzo: Via Roma 1", "CAP: 00100", "Città: Roma", "Provincia: RM", "Nazione: IT"),
            *("Ragione sociale: Acme", "Data di nascita: 1980-05-17", "Consenso newsletter: si | no"),
        ],
        [
            *("email=E-mail", "first_name=Nome", "last_name=Cognome", "company_name=Ragione sociale"),
            *("birthday=Data di nascita", "mobile_phone=Cellulare", "street=Indirizzo", "city=Città"),
            *("state=Provincia", "zip=CAP", "country=Nazione", "consent=Consenso newsletter [si]"),
        ],
    ),
    "Dutch": (
        [
            *(
                "Klantnummer: 1",
                "Voornaam: Jan",
                "Tussenvoegsel: de",
                "Achternaam: Wit",
                "E-mailadres: j@example.nl",
            ),
            *("Telefoonnummer: 0201234567", "Straat en huisnummer: Dam 1", "Postcode: 1012AB"),
            *("Woonplaats: Amsterdam", "Land: NL", "Bedrijfsnaam: Acme", "Geboortedatum: 1980-05-17"),
            *("Nieuwsbrief: ja | nee", "Uitgeschreven: nee | ja"),
        ],
        [
            *("email=E-mailadres", "first_name=Voornaam", "last_name=Achternaam"),
            *("company_name=Bedrijfsnaam", "birthday=Geboortedatum", "phone=Telefoonnummer"),
            *("street=Straat en huisnummer", "city=Woonplaats", "zip=Postcode", "country=Land"),
            *("consent=Nieuwsbrief [ja]", "refusal=Uitgeschreven [ja]"),
        ],
    ),
    "Portuguese": (
        [
            *("Nome: Ana", "Sobrenome: Sá", "E-mail: a@example.pt", "Celular: 11 91234-5678", "Rua: Rua 1"),
            *("Cidade: Lisboa", "Distrito: Lisboa", "Código postal: 1000-001", "País: Portugal"),
            *("Empresa: Acme", "Cargo: Chefe", "Aniversário: 1980-05-17", "Aceita e-mail: sim | não"),
        ],
        [
            *("email=E-mail", "first_name=Nome", "last_name=Sobrenome", "job_title=Cargo"),
            *("company_name=Empresa", "birthday=Aniversário", "mobile_phone=Celular", "street=Rua"),
            *("city=Cidade", "state=Distrito", "zip=Código postal", "country=País"),
            "consent=Aceita e-mail [sim]",
        ],
    ),
    "Polish": (
        [
            *("Numer klienta: 1", "Imię: Łukasz", "Nazwisko: Żak", "Adres e-mail: l@example.pl"),
            *("Telefon komórkowy: 600123456", "Ulica: Długa 1", "Kod pocztowy: 00-001", "Miasto: Łódź"),
            *("Województwo: łódzkie", "Kraj: Polska", "Nazwa firmy: Acme", "Stanowisko: Kupiec"),
            *("Data urodzenia: 1980-05-17", "Zgoda na newsletter: tak | nie"),
        ],
        [
            *("email=Adres e-mail", "first_name=Imię", "last_name=Nazwisko", "job_title=Stanowisko"),
            *("company_name=Nazwa firmy", "birthday=Data urodzenia", "mobile_phone=Telefon komórkowy"),
            *("street=Ulica", "city=Miasto", "state=Województwo", "zip=Kod pocztowy", "country=Kraj"),
            "consent=Zgoda na newsletter [tak]",
        ],
    ),
}


@pytest.mark.parametrize("tool", TOOLS)
def test_the_fields_of_a_tool(tool: str) -> None:
    """Each as a person who knows the tool would map it, and nothing else."""
    columns, expected = TOOLS[tool]
    assert written(suggest(*seen(*columns))) == expected


@pytest.mark.parametrize(
    "column",
    [
        'Street: {"street": "5 Main"}',
        "State: 03 | 12",
        "State: active | inactive",
        "Job title: Mr. | Mrs.",
        "Title: Herr | Frau",
        "E-mail:",
        "E-mail: none | unknown",
        "Phone: 1 | 2",
        "City: 7 | 8",
        "Postal code: Oslo | Bergen",
        "Birthday: someday",
        "First name: true | false",
        "Do Not Mail: 1",
        "Department: Sales",
        "Website: www.example.com",
        "Email status: 2022-01-01",
        "SMS consent: yes | no",
        "Phone opt out: yes | no",
        "Country calling code: 47",
    ],
)
def test_values_that_do_not_fit_speak_against_a_name(column: str) -> None:
    """A name alone is no reason."""
    assert written(suggest(*seen(column))) == []


@pytest.mark.parametrize("name", ["born", "Født", "Född", "Geboren am", "Né le", "Urodzony"])
def test_the_day_of_birth_has_many_names(name: str) -> None:
    assert written(suggest(*seen(f"{name}: 1980-05-17"))) == [f"birthday={name}"]


def test_an_address_is_found_by_its_values() -> None:
    """Where no name says so, and never in an empty field; a mark of somebody else's address is not enough."""
    found = suggest(*seen("Email:", "Kontaktpunkt: ann@example.com | bo@example.com", "Note: call"))
    assert [(s.target, s.source, s.confidence) for s in found] == [("email", "Kontaktpunkt", 0.6)]


_NAMES = st.sampled_from(sorted(MEANINGS))
_KIND = st.sampled_from(["", "home ", "work ", "mobile ", "other ", "billing ", "shipping ", "second "])
_VALUES = st.sampled_from(["Ann", "ann@example.com", "0150", "22334455", "1980-05-17", "5", "12", "", "yes"])
_COLUMNS = st.lists(
    st.tuples(_KIND, _NAMES, st.sampled_from(["", " 1", " 2"]), _VALUES),
    max_size=25,
    unique_by=lambda c: c[:3],
)


@settings(max_examples=200, deadline=None)
@given(columns=_COLUMNS)
def test_no_suggestion_is_refused_when_it_is_saved(columns: list[tuple[str, str, str, str]]) -> None:
    """Whatever the fields are called and hold: no fourth phone, no half birthday, nothing twice."""
    fields, evidence = seen(*(f"{kind}{name}{number}: {value}" for kind, name, number, value in columns))
    found = suggest(fields, evidence)
    sources = [s.source for s in found if s.target in CONTACT_FIELDS]
    assert len(sources) == len(set(sources))
    mapped = tuple(
        MappedField(target=s.target, source=s.source)
        for s in found
        if s.target in CONTACT_FIELDS and s.target != "email"
    )
    config = ExportConfig(
        name="x",
        connection_id="c",
        list_id="l",
        list_name="l",
        segment_ids=("s",),
        email="address",
        fields=mapped,
    )
    snapshot = _snapshot([*fields, ProfileField("address", FieldType.TEXT)])
    check_mapping(config, snapshot, {})


def _snapshot(fields: list[ProfileField]) -> Snapshot:
    return Snapshot("s", Path("s"), AT, 1, 0, "id", tuple(fields), ("x",))
